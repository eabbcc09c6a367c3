import * as z from 'zod'
import { RowId, Slug, Timestamp } from './text.ts'

/** TRACKED and MODULE are of the tracked branch, of a stack and of a module; PROPOSED of any other branch (R61, R71). */
export const runTypes = ['TRACKED', 'PROPOSED', 'MODULE'] as const

/** QUEUED waits for the stack's earlier tracked run, READY for a worker (R64, R65). */
export const runStates = ['QUEUED', 'READY', 'FAILED'] as const

export const Run = z
  .object({
    id: RowId,
    stackId: Slug.nullable().describe('Null for the run of a module.'),
    moduleId: Slug.nullable().describe('Null for the run of a stack.'),
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
