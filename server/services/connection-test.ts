import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import { lookAtToken, seesRepositories } from '../../clients/bitbucket/connection-checks.ts'
import { BitbucketError } from '../../clients/bitbucket/errors.ts'
import { UnsafePathError } from '../../clients/bitbucket/paths.ts'
import {
  getApplicationProperties,
  getRepository,
  type RepositoryAddress,
} from '../../clients/bitbucket/repositories.ts'
import { canAdministerWebhooks } from '../../clients/bitbucket/webhooks.ts'
import { TransportError } from '../../clients/transport.ts'
import type { ConnectionCheck, ConnectionFailure, ConnectionTest } from '../../schemas/connection-test.ts'
import { vcsAgentPoolOf } from '../../schemas/hosts.ts'
import type { BitbucketAccess, BitbucketPlace } from './bitbucket-access.ts'

/** What is tested. */
export interface TestedConnection extends BitbucketPlace {
  readonly accessToken: string
  readonly administrationToken: string | null
  readonly repository: RepositoryAddress | undefined
}

const wholeTestMs = 25_000
const callMs = 8_000

/**
 * Looks at a connection step by step (R18): first without any token whether there is a Bitbucket, then what each token
 * may do. What answered is told by a code and a sentence of our own, never in its own words (S37).
 */
export async function testConnection(
  access: Pick<BitbucketAccess, 'visitingClient'>,
  tested: TestedConnection,
): Promise<ConnectionTest> {
  const signal = AbortSignal.timeout(wholeTestMs)
  const clientFor = (token: string | null, use: 'reading' | 'webhooks'): BitbucketClient => ({
    ...access.visitingClient(tested, token, use),
    timeoutMs: callMs,
    signal,
  })
  const place = await lookAtPlace(clientFor(null, 'reading'), tested.apiHost)
  if (place.version === null) return toTest(place)
  const reading = clientFor(tested.accessToken, 'reading')
  const checks = [
    ...place.checks,
    ...(await lookAtReading(reading, tested.repository)),
    ...(tested.administrationToken === null
      ? []
      : [await lookAtAdministration(clientFor(tested.administrationToken, 'webhooks'), tested.repository)]),
  ]
  return toTest({ version: place.version, checks })
}

interface Found {
  readonly version: string | null
  readonly checks: readonly ConnectionCheck[]
}

function toTest({ version, checks }: Found): ConnectionTest {
  const outcomes = checks.map(({ outcome }) => outcome)
  const outcome = outcomes.includes('failed') ? 'failed' : outcomes.includes('warning') ? 'warning' : 'ok'
  return { outcome, version, checks: [...checks] }
}

async function lookAtPlace(client: BitbucketClient, apiHost: string): Promise<Found> {
  try {
    const { version } = await getApplicationProperties(client)
    const found = ok('bitbucket', `It is Bitbucket ${version}.`)
    return { version, checks: [reached, ...tlsCheck(apiHost), found] }
  } catch (error) {
    const code = failureOf(error)
    if (code === 'tls') return { version: null, checks: [reached, failed('tls', code)] }
    const isThere = code === 'not_bitbucket' || code === 'unauthorised' || code === 'unavailable'
    if (!isThere) return { version: null, checks: [failed('reachable', code)] }
    // A server that answers this question with a refusal is none that we know, or not at this address.
    const why = code === 'unauthorised' ? 'not_bitbucket' : code
    return { version: null, checks: [reached, ...tlsCheck(apiHost), failed('bitbucket', why)] }
  }
}

async function lookAtReading(
  client: BitbucketClient,
  repository: RepositoryAddress | undefined,
): Promise<ConnectionCheck[]> {
  let facts: Awaited<ReturnType<typeof lookAtToken>>
  try {
    facts = await lookAtToken(client)
  } catch (error) {
    return [failed('token', failureOf(error))]
  }
  const owner = facts.userName === undefined ? 'a project, a repository or an unnamed user' : `"${facts.userName}"`
  return [
    ok('token', `The access token is accepted; it is the token of ${owner}.`),
    facts.seesProjects
      ? ok('projects', 'The access token reads projects.')
      : warning('projects', 'The access token sees no project. Give its user read permission on those to be used.'),
    await check('repositories', () => lookAtRepositories(client)),
    ...(repository ? [await check('repository', () => lookAtRepository(client, repository))] : []),
  ]
}

async function lookAtRepositories(client: BitbucketClient): Promise<ConnectionCheck> {
  if (!(await seesRepositories(client, 'REPO_READ'))) {
    return warning(
      'repositories',
      'The access token sees no repository. Give its user read permission on those to be used.',
    )
  }
  return (await seesRepositories(client, 'REPO_WRITE'))
    ? warning(
        'repositories',
        'The access token may write to repositories. Read permission is enough: use a token that has no more.',
      )
    : ok('repositories', 'The access token reads repositories, and may not write to them.')
}

async function lookAtRepository(client: BitbucketClient, address: RepositoryAddress): Promise<ConnectionCheck> {
  await getRepository(client, address)
  return ok('repository', `The access token reads ${nameOf(address)}.`)
}

/** With nothing but the one call of webhooks that it is for (S29). */
async function lookAtAdministration(
  client: BitbucketClient,
  repository: RepositoryAddress | undefined,
): Promise<ConnectionCheck> {
  const name = 'administration_token'
  if (!repository) {
    const detail = 'Not tested: it is used for webhooks of repositories alone. Name a repository to test it on.'
    return warning(name, detail)
  }
  return check(name, async () =>
    (await canAdministerWebhooks(client, repository))
      ? ok(name, `The administration token may manage the webhooks of ${nameOf(repository)}.`)
      : {
          ...failed(name, 'unauthorised'),
          detail: `The administration token lacks admin permission on ${nameOf(repository)}.`,
        },
  )
}

async function check(name: ConnectionCheck['name'], look: () => Promise<ConnectionCheck>): Promise<ConnectionCheck> {
  try {
    return await look()
  } catch (error) {
    return failed(name, failureOf(error))
  }
}

const reached = ok('reachable', 'The host answers.')

function tlsCheck(apiHost: string): ConnectionCheck[] {
  if (vcsAgentPoolOf(apiHost)) return []
  if (/^https:/i.test(apiHost)) return [ok('tls', 'The certificate is trusted.')]
  return [warning('tls', 'http: the token, and all that is read with it, travels unencrypted. Use https.')]
}

const advice: Readonly<Record<ConnectionFailure, string>> = {
  dns: 'The host name could not be resolved. Check its spelling, and the DNS of the server.',
  refused: 'The connection was refused or broke. Check host and port, and the firewall between.',
  tls: 'No trusted TLS connection could be made. Add the certificate of the issuing authority as caCertPem, and check that the certificate is for this host name, has not expired, and that TLS 1.2 or later is spoken.',
  timeout: 'The host did not answer in time. Check host and port, and the firewall between.',
  not_bitbucket:
    'What answers does not speak the REST API of Bitbucket Data Center. Check host and context path, and whether a login page or proxy stands in front.',
  unauthorised: 'Refused. Check that the token is right and has not expired, and that its user has the permission.',
  unavailable: 'Bitbucket cannot answer at the moment, or limits the rate of this user. Try again later.',
  vcs_agent_unavailable: 'No VCS agent of the pool is connected. Start one, and try again.',
}

function failureOf(error: unknown): ConnectionFailure {
  if (error instanceof TransportError) return transportFailures[error.code]
  if (error instanceof UnsafePathError) return 'unauthorised'
  // The deadline of the whole test.
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'timeout'
  if (!(error instanceof BitbucketError)) throw error
  if (error.code === 'rate_limited' || error.code === 'unavailable') return 'unavailable'
  const isRefusal = ['bad_credential', 'missing_permission', 'unauthorised', 'not_found'].includes(error.code)
  return isRefusal ? 'unauthorised' : 'not_bitbucket'
}

/** What the guard blocks is told like what the network refuses: an answer must not map the network (S37). */
const transportFailures: Readonly<Record<TransportError['code'], ConnectionFailure>> = {
  dns: 'dns',
  refused: 'refused',
  reset: 'refused',
  blocked: 'refused',
  tls: 'tls',
  timeout: 'timeout',
  too_large: 'not_bitbucket',
  agent_unavailable: 'vcs_agent_unavailable',
}

function ok(name: ConnectionCheck['name'], detail: string): ConnectionCheck {
  return { name, outcome: 'ok', code: null, detail }
}

function warning(name: ConnectionCheck['name'], detail: string): ConnectionCheck {
  return { name, outcome: 'warning', code: null, detail }
}

function failed(name: ConnectionCheck['name'], code: ConnectionFailure): ConnectionCheck {
  return { name, outcome: 'failed', code, detail: advice[code] }
}

function nameOf({ projectKey, repositorySlug }: RepositoryAddress): string {
  return `${projectKey}/${repositorySlug}`
}
