import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import { Problem } from '../../schemas/problem.ts'
import type { BitbucketAccess } from './bitbucket-access.ts'

/** Why a copy does not do what it was asked for, and what would make it (S76). */
export function quietProblem(): Problem {
  return new Problem(
    'copy_is_quiet',
    'This database is a copy of an installation, so the server calls nobody, starts no run and manages no webhook. If it is to take the place of the one that it was taken from, stop that one and start this server with --take-over.',
  )
}

/** The way out of a copy: every client is there, and every call of it is refused before anything is sent (S76). */
export function quietAccess(access: BitbucketAccess): BitbucketAccess {
  return {
    checkHost: access.checkHost,
    bitbucketClient: (...call) => quiet(access.bitbucketClient(...call)),
    webhooksClient: (...call) => {
      const client = access.webhooksClient(...call)
      return client && quiet(client)
    },
    visitingClient: (...call) => quiet(access.visitingClient(...call)),
  }
}

function quiet(client: BitbucketClient): BitbucketClient {
  return { ...client, transport: () => Promise.reject(quietProblem()) }
}
