import { getDelivery, listDeliveries } from '../../services/history.ts'
import type { Database } from '../../store/tables.ts'
import type { Handlers } from '../handlers.ts'

export function deliveryHandlers(db: Database): Pick<Handlers, 'listDeliveries' | 'getDelivery'> {
  return {
    listDeliveries: ({ params, query }, { caller }) => listDeliveries(db, caller, params.id, query),
    getDelivery: ({ params }, { caller }) => getDelivery(db, caller, params.id),
  }
}
