import type { OpenApi } from '@coderabbitai/bitbucket/server'
import * as z from 'zod'
import { type BitbucketClient, callBitbucket } from './client.ts'
import { BitbucketError } from './errors.ts'
import { eachPage, listAll } from './paging.ts'
import { restPath } from './paths.ts'

/** A repository's place in Bitbucket; a personal one has the project key `~user`. */
export interface RepositoryAddress {
  readonly projectKey: string
  readonly repositorySlug: string
}

const ApplicationProperties = z.looseObject({
  version: z.string().max(100),
  buildNumber: z.string().max(100).optional(),
  displayName: z.string().max(200).optional(),
} satisfies FieldsOf<'RestApplicationProperties'>)
export type ApplicationProperties = z.infer<typeof ApplicationProperties>

export const Project = z.looseObject({
  key: z.string().min(1).max(255),
  id: z.number().int().optional(),
  name: z.string().max(1000).optional(),
  /** `NORMAL` or `PERSONAL`. */
  type: z.string().max(50).optional(),
} satisfies FieldsOf<'RestProject'>)
export type Project = z.infer<typeof Project>

export const Repository = z.looseObject({
  id: z.number().int(),
  slug: z.string().min(1).max(255),
  name: z.string().max(1000),
  project: Project,
  state: z.string().max(50).optional(),
  archived: z.boolean().optional(),
  /** The repository that this one is a fork of. */
  origin: z.looseObject({ id: z.number().int().optional() }).optional(),
} satisfies FieldsOf<'RestRepository'>)
export type Repository = z.infer<typeof Repository>

/** Holds the fields of an answer to the names that Atlassian's OpenAPI gives them. */
type FieldsOf<Name extends keyof OpenApi.components['schemas']> = Partial<
  Record<keyof OpenApi.components['schemas'][Name], z.ZodType>
>

/** Gives version and name of the Bitbucket that answers; it needs no permission. */
export async function getApplicationProperties(client: BitbucketClient): Promise<ApplicationProperties> {
  return callBitbucket(
    client,
    { method: 'GET', path: restPath('/api/latest/application-properties', {}) },
    ApplicationProperties,
  )
}

/**
 * Gives one repository.
 *
 * @throws BitbucketError `not_found` where there is none, or the token may not see it; `moved` after a move
 */
export async function getRepository(client: BitbucketClient, address: RepositoryAddress): Promise<Repository> {
  return callBitbucket(
    client,
    { method: 'GET', path: restPath('/api/latest/projects/{projectKey}/repos/{repositorySlug}', { ...address }) },
    Repository,
  )
}

export interface RepositoryFilter {
  readonly projectKey?: string
  /** A part of the name; Bitbucket decides how it matches. */
  readonly name?: string
  /** Only those where the user has at least this. */
  readonly permission?: 'REPO_READ' | 'REPO_WRITE' | 'REPO_ADMIN'
  readonly archived?: 'ACTIVE' | 'ARCHIVED' | 'ALL'
}

/** Gives the repositories that the token's user may see, page by page. */
export function eachRepositoryPage(
  client: BitbucketClient,
  filter: RepositoryFilter,
): AsyncGenerator<readonly Repository[]> {
  const { projectKey, name, permission, archived } = filter
  const query = { projectkey: projectKey, name, permission, archived }
  return eachPage(client, { path: restPath('/api/latest/repos', {}), query }, Repository)
}

/** Gives the repositories that the token's user may see. */
export async function listRepositories(client: BitbucketClient, filter: RepositoryFilter): Promise<Repository[]> {
  const all: Repository[] = []
  for await (const page of eachRepositoryPage(client, filter)) all.push(...page)
  return all
}

/**
 * Finds where a repository is now, by its numeric id (R47). Bitbucket has no such request, so this reads lists: the
 * `likely` ones first (its last known project, say), then everything that the user may see.
 */
export async function findRepositoryById(
  client: BitbucketClient,
  id: number,
  likely: readonly RepositoryFilter[],
): Promise<Repository | undefined> {
  for (const filter of [...likely, {}]) {
    for await (const page of eachRepositoryPage(client, { archived: 'ALL', ...filter })) {
      const found = page.find((repository) => repository.id === id)
      if (found) return found
    }
  }
  return undefined
}

/** Gives the projects that the token's user may see; `name` is a part of the name. */
export async function listProjects(client: BitbucketClient, filter: { readonly name?: string }): Promise<Project[]> {
  return listAll(client, { path: restPath('/api/latest/projects', {}), query: { name: filter.name } }, Project)
}

/** Gives one project by its key. */
export async function getProject(client: BitbucketClient, projectKey: string): Promise<Project> {
  return callBitbucket(
    client,
    { method: 'GET', path: restPath('/api/latest/projects/{projectKey}', { projectKey }) },
    Project,
  )
}

/** Gives `undefined` instead of an error where Bitbucket answers 404. */
export async function orUndefined<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof BitbucketError && error.code === 'not_found') return undefined
    throw error
  }
}
