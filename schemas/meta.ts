import * as z from 'zod'

/** What a newer client asks for before it uses something that an older server lacks (R200). */
export const capabilities = [
  'spaces',
  'integrations',
  'stacks',
  'attachments',
  'webhook-targets',
  'registrations',
] as const

export const Meta = z
  .object({
    version: z.string(),
    apiRevision: z.int(),
    capabilities: z.array(z.string()),
    instanceId: z.uuid(),
    publicUrl: z.string().nullable(),
  })
  .meta({ id: 'Meta' })
export type Meta = z.infer<typeof Meta>
