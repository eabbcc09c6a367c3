import { failQueuedRuns } from '../store/runs.ts'
import type { Database } from '../store/tables.ts'

/** Fails the runs of these stacks that no worker has begun, since their stack was detached (R82). */
export async function failWaitingRuns(transaction: Database, stackIds: readonly string[], now: number): Promise<void> {
  await failQueuedRuns(transaction, stackIds, 'The stack was detached.', now)
}
