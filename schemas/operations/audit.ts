import * as z from 'zod'
import { AuditRecord } from '../audit.ts'
import type { OperationTable } from '../operation.ts'
import { pageOf, pageQuery } from '../page.ts'
import { Timestamp } from '../text.ts'

const text = z.string().min(1).max(300)

export const auditOperations = {
  listAudit: {
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'List the audit log; for admins of the root space',
    permission: 'administer',
    query: z.object({
      ...pageQuery,
      order: z.enum(['newest', 'oldest']).default('newest').describe('Which rows come first.'),
      object: text.optional().describe('Only what was done to this object, `integration:vcs` for example.'),
      actor: text.optional(),
      action: text.optional(),
      since: Timestamp.optional(),
    }),
    status: 200,
    response: pageOf(AuditRecord),
    problems: [],
  },
} as const satisfies OperationTable
