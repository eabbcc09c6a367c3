import * as z from 'zod'
import { type BitbucketClient, readAnswer, sendToBitbucket } from './client.ts'
import { restPath } from './paths.ts'
import { Project, Repository } from './repositories.ts'

/** What one look tells about a token: whose it is, and whether it sees any project. */
export interface TokenFacts {
  /** The user's name as Bitbucket's own header gives it; undefined for a project's or a repository's token. */
  readonly userName: string | undefined
  readonly seesProjects: boolean
}

/**
 * Looks at the first project that the token sees. It never asks for a user, which a project's or a repository's token
 * could not (R18a).
 *
 * @throws BitbucketError `bad_credential` where the token is not accepted, and as `callBitbucket`
 */
export async function lookAtToken(client: BitbucketClient): Promise<TokenFacts> {
  const path = restPath('/api/latest/projects', {})
  const response = await sendToBitbucket(client, { method: 'GET', path, query: { limit: 1 } })
  const { values } = readAnswer(response, firstOf(Project))
  return { userName: userNameOf(response.headers['x-ausername']), seesProjects: values.length > 0 }
}

/** Whether there is a repository on which the token has at least the permission. */
export async function seesRepositories(
  client: BitbucketClient,
  permission: 'REPO_READ' | 'REPO_WRITE' | 'REPO_ADMIN',
): Promise<boolean> {
  const path = restPath('/api/latest/repos', {})
  const response = await sendToBitbucket(client, { method: 'GET', path, query: { permission, limit: 1 } })
  return readAnswer(response, firstOf(Repository)).values.length > 0
}

function firstOf<Item>(item: z.ZodType<Item>) {
  return z.looseObject({ isLastPage: z.boolean(), values: z.array(item).max(100) })
}

/** The header is escaped like a part of a URL; what does not look like a name is left out (S37). */
function userNameOf(header: string | undefined): string | undefined {
  try {
    const name = decodeURIComponent(header ?? '')
    return /^[\p{L}\p{N}._@+-]{1,255}$/u.test(name) ? name : undefined
  } catch {
    return undefined
  }
}
