import { failQueuedRuns } from '../store/runs.ts'
import type { Database } from '../store/tables.ts'

/** Fails the runs that no worker has begun, since their stack or module was detached from its integration (R82). */
export async function failWaitingRuns(transaction: Database, stackIds: readonly string[], now: number): Promise<void> {
  await failQueuedRuns(transaction, stackIds, 'Detached from its integration.', now)
}
