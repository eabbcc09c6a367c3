import * as z from 'zod'
import { RowId, Timestamp } from './text.ts'

/** Who did what to which object: one row of the audit log, which is never changed (R12, S71). */
export const AuditRecord = z
  .object({
    id: RowId,
    sequence: z.int().describe('Its place in the log, from 1, without a gap.'),
    at: Timestamp,
    actor: z.string().describe('`key:<API key id>`, `server` or `anonymous`.'),
    action: z.string().describe('`integration.create`, `webhook_secret.reveal` and the like.'),
    object: z.string().describe('`integration:<id>`, `stack:<id>` and the like.'),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditRecord' })
export type AuditRecord = z.infer<typeof AuditRecord>
