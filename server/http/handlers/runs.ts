import { getRun, listRuns } from '../../services/history.ts'
import type { Database } from '../../store/tables.ts'
import type { Handlers } from '../handlers.ts'

export function runHandlers(db: Database): Pick<Handlers, 'listRuns' | 'getRun'> {
  return {
    listRuns: ({ query }, { caller }) => listRuns(db, caller, query),
    getRun: ({ params }, { caller }) => getRun(db, caller, params.id),
  }
}
