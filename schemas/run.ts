import * as z from 'zod'
import { RowId, Slug, Timestamp } from './text.ts'

export const runTypes = ['TRACKED', 'PROPOSED'] as const

/** QUEUED waits for the stack's earlier tracked run, READY for a worker (R64, R65). */
export const runStates = ['QUEUED', 'READY', 'FAILED'] as const

export const Run = z
  .object({
    id: RowId,
    stackId: Slug,
    type: z.enum(runTypes),
    state: z.enum(runStates),
    stateReason: z.string().nullable(),
    commitSha: z.string(),
    branch: z.string(),
    deliveryId: RowId.nullable().describe('The delivery that started it.'),
    createdAt: Timestamp,
  })
  .meta({ id: 'Run' })
export type Run = z.infer<typeof Run>
