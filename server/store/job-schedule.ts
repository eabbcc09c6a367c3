import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'

/**
 * Takes a slot of a task's schedule, in the transaction that adds its job. False where it was taken, by whichever
 * process: of all that ask, one adds the job. Slots that nobody was there for are passed over.
 */
export async function takeScheduleSlot(transaction: Transaction<Tables>, task: string, slot: number): Promise<boolean> {
  const row = await transaction
    .insertInto('job_schedule')
    .values({ task, slot })
    .onConflict((conflict) => conflict.column('task').doUpdateSet({ slot }).where('job_schedule.slot', '<', slot))
    .returning('task')
    .executeTakeFirst()
  return row !== undefined
}
