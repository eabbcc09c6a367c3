import * as z from 'zod'
import { ProjectKey, RepositorySlug } from './stack.ts'
import { Name, Slug, SpaceId } from './text.ts'

/** A project of Bitbucket; a person's own has the key `~user`. */
export const BitbucketProject = z
  .object({ projectKey: ProjectKey, name: z.string(), isPersonal: z.boolean() })
  .meta({ id: 'BitbucketProject' })
export type BitbucketProject = z.infer<typeof BitbucketProject>

export const BitbucketRepository = z
  .object({
    repositoryId: z.int(),
    projectKey: ProjectKey,
    repositorySlug: RepositorySlug,
    name: z.string(),
    isArchived: z.boolean(),
  })
  .meta({ id: 'BitbucketRepository' })
export type BitbucketRepository = z.infer<typeof BitbucketRepository>

export const BitbucketBranch = z
  .object({ name: z.string(), latestCommit: z.string(), isDefault: z.boolean() })
  .meta({ id: 'BitbucketBranch' })
export type BitbucketBranch = z.infer<typeof BitbucketBranch>

export const treeEntryTypes = ['file', 'directory', 'submodule'] as const

/** What a folder of a repository holds directly. */
export const TreeEntry = z
  .object({ name: z.string(), path: z.string().describe('From the repository’s root.'), type: z.enum(treeEntryTypes) })
  .meta({ id: 'TreeEntry' })
export type TreeEntry = z.infer<typeof TreeEntry>

/** `PROJECT/slug`, as one parameter of a query. */
export const RepositoryPath = z
  .string()
  .max(300)
  .transform((text, context) => {
    const [projectKey = '', ...rest] = text.split('/')
    const parsed = z
      .object({ projectKey: ProjectKey, repositorySlug: RepositorySlug })
      .safeParse({ projectKey, repositorySlug: rest.join('/') })
    if (parsed.success) return parsed.data
    context.addIssue({ code: 'custom', message: 'expected PROJECT/slug' })
    return z.NEVER
  })

/** A folder below the repository's root, without a slash at the ends; empty: the root. */
export const FolderPath = z
  .string()
  .max(1024)
  .default('')
  .refine((path) => path === '' || path.split('/').every(isSegment), 'expected a path without empty, "." or ".." parts')

function isSegment(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..' && !/[\\\p{Cc}]/u.test(segment)
}

export const useReasons = ['default', 'same_space', 'inherited', 'blocked', 'elsewhere'] as const

/** Whether what lives in a space may use an integration, and why (R22). */
export const UsableIntegration = z
  .object({
    integrationId: Slug,
    integrationName: Name,
    spaceId: SpaceId.describe('Where the integration lives.'),
    isUsable: z.boolean(),
    reason: z.enum(useReasons),
    path: z
      .array(SpaceId)
      .describe('The spaces that were walked from the asking one upwards, as far as the links inherit.'),
    why: z.string(),
  })
  .meta({ id: 'UsableIntegration' })
export type UsableIntegration = z.infer<typeof UsableIntegration>
