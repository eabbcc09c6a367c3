import * as z from 'zod'

/** Counts the changes of the API that a client may have to know of; a cursor of another revision is refused. */
export const apiRevision = 2

/** What a newer client asks for before it uses something that an older server lacks (R200). */
export const capabilities = [
  'spaces',
  'integrations',
  'repository-access',
  'connection-tests',
  'vcs-agent-pools',
  'stacks',
  'modules',
  'repository-browsing',
  'attachments',
  'webhook-targets',
  'registrations',
  'etags',
  'idempotency-keys',
  'label-filters',
  'approximate-counts',
] as const

export const Meta = z
  .object({
    version: z.string().describe('The release of the server.'),
    apiRevision: z.int().describe('Grows with every change of the API that a client may have to know of.'),
    capabilities: z.array(z.string()).describe('What this server can do, by name; ask before using something new.'),
    instanceId: z.uuid().describe('The installation, in the mark of the webhooks that it owns.'),
    publicUrl: z.string().nullable().describe('The address that webhook endpoints are built from; null: not set.'),
    quiet: z.boolean().describe('Whether it works on a copy, and so makes no calls and no runs until it takes over.'),
  })
  .meta({ id: 'Meta' })
export type Meta = z.infer<typeof Meta>
