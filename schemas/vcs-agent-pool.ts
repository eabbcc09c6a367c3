import * as z from 'zod'
import { rootSpaceId } from './space.ts'
import { Description, Labels, Slug, SpaceId, Timestamp } from './text.ts'

/** What is known of a pool's agents; none can connect yet. */
export const vcsAgentPoolStatuses = ['no_agent'] as const

/** Agents inside a private network that reach a Bitbucket for the server: `private://<name>[/path]` (R102). */
export const VcsAgentPool = z
  .object({
    id: Slug.describe('The same as the name.'),
    name: Slug,
    spaceId: SpaceId,
    labels: Labels,
    description: Description,
    status: z.enum(vcsAgentPoolStatuses),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'VcsAgentPool' })
export type VcsAgentPool = z.infer<typeof VcsAgentPool>

export const NewVcsAgentPool = z
  .strictObject({
    name: Slug.describe('Unique in the account, and the host in private://<name>. It cannot change.'),
    spaceId: SpaceId.default(rootSpaceId).describe(
      'Integrations of this space, and of those that inherit from it, may use it.',
    ),
    labels: Labels.default([]),
    description: Description.default(''),
  })
  .meta({ id: 'NewVcsAgentPool' })
export type NewVcsAgentPool = z.infer<typeof NewVcsAgentPool>

export const VcsAgentPoolUpdate = z
  .strictObject({
    name: Slug.optional().describe('Accepted only when it is the present name.'),
    spaceId: SpaceId.optional(),
    labels: Labels.optional(),
    description: Description.optional(),
  })
  .meta({ id: 'VcsAgentPoolUpdate' })
export type VcsAgentPoolUpdate = z.infer<typeof VcsAgentPoolUpdate>
