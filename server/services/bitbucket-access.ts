import { createHash } from 'node:crypto'
import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import { isWebhooksPath } from '../../clients/bitbucket/webhooks.ts'
import { type CallClock, type CallScheduler, scheduledTransport } from '../../clients/call-scheduler.ts'
import { retryingTransport } from '../../clients/retrying-transport.ts'
import { type Transport, TransportError } from '../../clients/transport.ts'
import type { TrustingTransports } from '../../clients/transport-undici.ts'
import { vcsAgentPoolOf } from '../../schemas/hosts.ts'
import type { OutboundGuard } from '../core/outbound-guard.ts'
import type { Sealer } from '../core/sealer.ts'
import type { IntegrationRow } from '../store/integrations.ts'

const deadlineMs = 15_000

/** Where a Bitbucket is, and whom its certificate may come from: a token belongs to all of it (S28). */
export interface BitbucketPlace {
  readonly apiHost: string
  readonly caCertPem: string | null
}

/** What a client may call: everything but webhooks, or webhooks alone (S29). */
export type TokenUse = 'reading' | 'webhooks'

/** The one way out to Bitbucket. */
export interface BitbucketAccess {
  /** Whether a request may go there at all; throws a `TransportError` of code `blocked`. */
  checkHost(apiHost: string): void
  /** Gives the client of an integration, with its token; opened for each use, never kept. */
  bitbucketClient(integration: IntegrationRow): BitbucketClient
  /** The same with the administration token, for webhooks; undefined where the integration has none (R18). */
  webhooksClient(integration: IntegrationRow): BitbucketClient | undefined
  /** A client that tries once, with a token that came with the request, or with none. */
  visitingClient(place: BitbucketPlace, token: string | null, use: TokenUse): BitbucketClient
}

/**
 * Joins what every call to Bitbucket passes: the guard of addresses (S31), the certificates of the integration (S38),
 * the scheduler that keeps one user's calls to one host within their rate (L20), and a few tries. `transports` check
 * the addresses that they dial.
 */
export function createBitbucketAccess(
  transports: TrustingTransports,
  scheduler: CallScheduler,
  clock: CallClock,
  guard: OutboundGuard,
  sealer: Sealer,
): BitbucketAccess {
  const connect = (place: BitbucketPlace, token: string | null, use: TokenUse, user = ''): BitbucketClient => {
    const pool = vcsAgentPoolOf(place.apiHost)
    const direct = transports.trusting(place.caCertPem)
    const guarded: Transport = async (request) => {
      // No agent can connect yet, so that this is known at once (R102).
      if (pool) throw new TransportError('agent_unavailable', { nothingSent: true })
      guard.checkUrl(request.url)
      if (isWebhooksPath(request.url) !== (use === 'webhooks')) {
        throw new Error(`A token for ${use} must not be used for this call (S29).`)
      }
      return direct(request)
    }
    const lane = `${place.apiHost} ${user || (token === null ? '' : digest(token))}`
    return {
      transport: scheduledTransport(guarded, scheduler, lane, clock),
      // A name that never resolves: nothing could be sent there by mistake.
      baseUrl: pool ? `http://vcs-agent-pool.invalid${pool.path}` : place.apiHost,
      ...(token === null ? {} : { token }),
      timeoutMs: deadlineMs,
    }
  }
  const patient = (client: BitbucketClient): BitbucketClient => ({
    ...client,
    transport: retryingTransport(client.transport, {
      clock,
      random: Math.random,
      tries: 3,
      firstBackOffMs: 200,
      longestBackOffMs: 2_000,
      longestWaitMs: 3_000,
    }),
  })
  const open = (id: string, column: 'access_token' | 'administration_token', sealed: string) =>
    sealer.open({ table: 'integration', id, column }, sealed)
  return {
    checkHost: (apiHost) => guard.checkUrl(apiHost),
    bitbucketClient: (row) =>
      patient(connect(placeOfRow(row), open(row.id, 'access_token', row.access_token), 'reading', row.username)),
    webhooksClient: (row) =>
      row.administration_token === null
        ? undefined
        : patient(connect(placeOfRow(row), open(row.id, 'administration_token', row.administration_token), 'webhooks')),
    visitingClient: connect,
  }
}

export function placeOfRow(row: Pick<IntegrationRow, 'api_host' | 'ca_cert_pem'>): BitbucketPlace {
  return { apiHost: row.api_host, caCertPem: row.ca_cert_pem }
}

/** Tells tokens apart without holding them. */
function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 16)
}
