import * as z from 'zod'
import { AccessToken } from './integration.ts'
import { rootSpaceId } from './space.ts'
import { Description, Labels, Name, Slug, SpaceId, Timestamp } from './text.ts'

export const ProjectKey = z
  .string()
  .regex(/^~?[^\s/\\?#%]{1,128}$/, 'expected a project key, or ~user for a personal repository')
  .refine((key) => key !== '.' && key !== '..', 'expected a project key')
export const RepositorySlug = z
  .string()
  .regex(/^[^\s/\\?#%A-Z]{1,128}$/, 'expected a repository slug, in lower case')
  .refine((slug) => slug !== '.' && slug !== '..', 'expected a repository slug')
export const BranchName = z
  .string()
  .min(1)
  .max(1024)
  .refine((name) => !name.startsWith('refs/'), 'expected a short name such as main')
  .refine((name) => !/\p{Cc}/u.test(name), 'expected no control characters')
export const ProjectRoot = z
  .string()
  .max(1024)
  .refine((root) => !root.split('/').includes('..'), 'expected no ".." segment')

/** Which repository a stack follows, and through which integration. */
export const NewAttachment = z
  .strictObject({
    integrationId: Slug.nullable().default(null).describe('Null: the default integration.'),
    projectKey: ProjectKey,
    repositorySlug: RepositorySlug,
    bitbucketToken: AccessToken.optional().describe(
      'An HTTP access token of your own, where the integration asks for proof that you may read the repository. Used once, stored nowhere.',
    ),
  })
  .meta({ id: 'NewAttachment' })
export type NewAttachment = z.infer<typeof NewAttachment>

export const attachmentOwners = ['stack', 'attachment'] as const

/** What an attachment says, whatever is attached. */
export const attachmentFields = {
  integrationId: Slug,
  usesDefault: z.boolean().describe('The default integration was asked for, not this one by its id.'),
  projectKey: ProjectKey,
  repositorySlug: RepositorySlug,
  repositoryId: z.int().nullable().describe('Bitbucket’s numeric id; null until Bitbucket has been asked.'),
  verified: z
    .boolean()
    .describe(
      'Whether Bitbucket has shown repository and branch: false where they were saved without asking, or the repository is empty, until a push to the branch makes a run or they are saved again.',
    ),
  managedBy: z.enum(attachmentOwners).describe('Written inside the stack or module, or as an attachment of its own.'),
  attachedAt: Timestamp,
}

export const Attachment = z.object({ stackId: Slug, ...attachmentFields }).meta({ id: 'Attachment' })
export type Attachment = z.infer<typeof Attachment>

/** Why a stack or module lost its integration, and since when. */
export const Detachment = z
  .object({
    reason: z.enum(['integration_deleted', 'integration_moved', 'space_changed', 'repository_not_allowed']),
    since: Timestamp,
    projectKey: ProjectKey,
    repositorySlug: RepositorySlug,
  })
  .meta({ id: 'Detachment' })
export type Detachment = z.infer<typeof Detachment>

export const Stack = z
  .object({
    id: Slug,
    name: Name,
    spaceId: SpaceId,
    branch: BranchName.describe('The tracked branch: a push to it makes a tracked run.'),
    projectRoot: ProjectRoot.describe('The folder whose changes concern the stack; empty: the whole repository.'),
    labels: Labels,
    description: Description,
    attachment: Attachment.nullable(),
    detached: Detachment.nullable(),
    headCommit: z.string().nullable().describe('The commit of the newest run of the tracked branch.'),
    createdAt: Timestamp,
  })
  .meta({ id: 'Stack' })
export type Stack = z.infer<typeof Stack>

export const NewStack = z
  .strictObject({
    name: Name,
    slug: Slug.optional().describe('Made from the name when absent; it becomes the id and cannot change.'),
    spaceId: SpaceId.default(rootSpaceId),
    branch: BranchName,
    projectRoot: ProjectRoot.default(''),
    labels: Labels.default([]),
    description: Description.default(''),
    repository: NewAttachment.nullable().default(null),
  })
  .meta({ id: 'NewStack' })
export type NewStack = z.infer<typeof NewStack>

export const StackUpdate = z
  .strictObject({
    name: Name.optional(),
    spaceId: SpaceId.optional(),
    branch: BranchName.optional(),
    projectRoot: ProjectRoot.optional(),
    labels: Labels.optional(),
    description: Description.optional(),
    repository: NewAttachment.nullable().optional().describe('Null detaches; absent leaves the attachment alone.'),
  })
  .meta({ id: 'StackUpdate' })
export type StackUpdate = z.infer<typeof StackUpdate>
