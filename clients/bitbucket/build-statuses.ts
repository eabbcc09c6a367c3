import type { OpenApi } from '@coderabbitai/bitbucket/server'
import * as z from 'zod'
import { type BitbucketClient, callBitbucket, sendToBitbucket } from './client.ts'
import { Timestamp } from './commits.ts'
import { BitbucketError } from './errors.ts'
import { listAll } from './paging.ts'
import { restPath } from './paths.ts'
import { orUndefined, type RepositoryAddress } from './repositories.ts'

const builds = '/api/latest/projects/{projectKey}/repos/{repositorySlug}/commits/{commitId}/builds'
const oldBuilds = '/build-status/latest/commits/{commitId}'

type SetRequest = OpenApi.components['schemas']['RestBuildStatusSetRequest']

export type BuildState = 'SUCCESSFUL' | 'FAILED' | 'INPROGRESS' | 'CANCELLED'

export interface NewBuildStatus {
  /** At most 255 characters; the same key replaces the status. */
  readonly key: string
  readonly state: BuildState
  /** At most 450 characters. */
  readonly url: string
  /** Cut at 255 characters, like `description`. */
  readonly name?: string
  readonly description?: string
  /** The whole ref, `refs/heads/main`. */
  readonly ref?: string
}

export const BuildStatus = z.looseObject({
  key: z.string().max(1000),
  state: z.string().max(50),
  url: z.string().max(2000),
  name: z.string().max(1000).nullish(),
  description: z.string().max(1000).nullish(),
  ref: z.string().max(1024).nullish(),
  createdDate: Timestamp.optional(),
  updatedDate: Timestamp.optional(),
  dateAdded: Timestamp.optional(),
})
export type BuildStatus = z.infer<typeof BuildStatus>

/**
 * Sets the status of a commit, and says through which resource: `builds`, or `build-status` where Bitbucket is too old
 * to have it (R90). The old one knows no CANCELLED, so there it is FAILED and its description says *cancelled*.
 */
export async function postBuildStatus(
  client: BitbucketClient,
  address: RepositoryAddress,
  commitId: string,
  status: NewBuildStatus,
): Promise<'builds' | 'build-status'> {
  try {
    const body = requestBody(status) satisfies Pick<SetRequest, 'key' | 'state' | 'url' | 'ref'>
    await sendToBitbucket(client, { method: 'POST', path: restPath(builds, { ...address, commitId }), body })
    return 'builds'
  } catch (error) {
    if (!isUnknownRoute(error)) throw error
  }
  const { ref: _, ...body } = requestBody(withoutCancelled(status))
  await sendToBitbucket(client, { method: 'POST', path: restPath(oldBuilds, { commitId }), body })
  return 'build-status'
}

/** Finds the status of a commit by its key. */
export async function findBuildStatus(
  client: BitbucketClient,
  address: RepositoryAddress,
  commitId: string,
  key: string,
): Promise<BuildStatus | undefined> {
  return orUndefined(
    callBitbucket(
      client,
      { method: 'GET', path: restPath(builds, { ...address, commitId }), query: { key } },
      BuildStatus,
    ),
  )
}

/** Gives all statuses of a commit, whichever resource they came by. */
export async function listBuildStatuses(client: BitbucketClient, commitId: string): Promise<BuildStatus[]> {
  return listAll(client, { path: restPath(oldBuilds, { commitId }) }, BuildStatus)
}

function requestBody({ key, state, url, name, description, ref }: NewBuildStatus) {
  return {
    key,
    state,
    url,
    ...(name === undefined ? {} : { name: cut(name) }),
    ...(description === undefined ? {} : { description: cut(description) }),
    ...(ref === undefined ? {} : { ref }),
  }
}

function withoutCancelled(status: NewBuildStatus): NewBuildStatus {
  if (status.state !== 'CANCELLED') return status
  const description = status.description ?? ''
  const says = /cancelled/i.test(description) ? description : `cancelled${description === '' ? '' : `: ${description}`}`
  return { ...status, state: 'FAILED', description: says }
}

/** A missing project, repository or commit is a 404 too, and no reason to try the other resource. */
function isUnknownRoute(error: unknown): boolean {
  if (!(error instanceof BitbucketError) || error.code !== 'not_found') return false
  return !/\.NoSuch\w+Exception$/.test(error.exceptionName ?? '')
}

/** Cuts at 255 UTF-16 units, and not inside a character. */
function cut(text: string): string {
  return text.slice(0, 255).replace(/[\ud800-\udbff]$/, '')
}
