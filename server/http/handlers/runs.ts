import { getRun, listRuns } from '../../services/history.ts'
import type { Database } from '../../store/tables.ts'
import type { Handlers } from '../handlers.ts'

export function runHandlers(db: Database): Pick<Handlers, 'listRuns' | 'getRun'> {
  return {
    listRuns: ({ query }) => listRuns(db, query),
    getRun: ({ params }) => getRun(db, params.id),
  }
}
