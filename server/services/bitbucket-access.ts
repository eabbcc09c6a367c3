import { createHash } from 'node:crypto'
import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import { type CallClock, type CallScheduler, scheduledTransport } from '../../clients/call-scheduler.ts'
import { retryingTransport } from '../../clients/retrying-transport.ts'
import type { Transport } from '../../clients/transport.ts'
import type { OutboundGuard } from '../core/outbound-guard.ts'
import type { Sealer } from '../core/sealer.ts'
import type { IntegrationRow } from '../store/integrations.ts'

const deadlineMs = 15_000

/** The one way out to Bitbucket. */
export interface BitbucketAccess {
  /** Whether a request may go there at all; throws a `TransportError` of code `blocked`. */
  checkHost(apiHost: string): void
  /** Gives the client of an integration, with its token; opened for each use, never kept. */
  bitbucketClient(integration: IntegrationRow): BitbucketClient
}

/**
 * Joins what every call to Bitbucket passes: the guard of addresses (S31), the scheduler that keeps one user's calls
 * to one host within their rate (L20), and a few tries. `transport` checks the addresses that it dials.
 */
export function createBitbucketAccess(
  transport: Transport,
  scheduler: CallScheduler,
  clock: CallClock,
  guard: OutboundGuard,
  sealer: Sealer,
): BitbucketAccess {
  return {
    checkHost: (apiHost) => guard.checkUrl(apiHost),
    bitbucketClient: (integration) => {
      const token = sealer.open(
        { table: 'integration', id: integration.id, column: 'access_token' },
        integration.access_token,
      )
      const guarded: Transport = async (request) => {
        guard.checkUrl(request.url)
        return transport(request)
      }
      const lane = `${integration.api_host} ${integration.username || digest(token)}`
      const scheduled = scheduledTransport(guarded, scheduler, lane, clock)
      return {
        transport: retryingTransport(scheduled, {
          clock,
          random: Math.random,
          tries: 3,
          firstBackOffMs: 200,
          longestBackOffMs: 2_000,
          longestWaitMs: 3_000,
        }),
        baseUrl: integration.api_host,
        token,
        timeoutMs: deadlineMs,
      }
    },
  }
}

/** Tells tokens apart without holding them. */
function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 16)
}
