import { listAudit } from '../../services/audit-log.ts'
import type { Database } from '../../store/tables.ts'
import type { Handlers } from '../handlers.ts'

export function auditHandlers(db: Database): Pick<Handlers, 'listAudit'> {
  return {
    listAudit: ({ query }, { caller }) => listAudit(db, caller, query),
  }
}
