import type { Logger } from 'pino'
import { type CallClock, createCallScheduler, scheduledTransport } from '../clients/call-scheduler.ts'
import { longestRetryAfterMs } from '../clients/retry-after.ts'
import { retryingTransport } from '../clients/retrying-transport.ts'
import { createServerClient } from '../clients/server/client.ts'
import type { Transport } from '../clients/transport.ts'
import { openUndiciTransport } from '../clients/transport-undici.ts'
import type { Configuration } from './configuration.ts'
import { createHookMetrics } from './controller/metrics.ts'
import type { World } from './controller/world.ts'

export interface OpenWorld extends World {
  /** Ends every request that is under way, with an error. */
  abort(): void
  close(): Promise<void>
}

export interface WorldOptions {
  readonly mode: World['mode']
  readonly clock: CallClock
  readonly random: () => number
  readonly log: Logger
}

/** Every request to Bitbucket goes through here: counted, within the rate, tried again where that makes sense (B24, B25). */
export function openWorld(configuration: Configuration, { mode, clock, random, log }: WorldOptions): OpenWorld {
  const { mooring, bitbucket, policy, removals } = configuration
  const aborting = new AbortController()
  const abortable =
    (transport: Transport): Transport =>
    (request) =>
      transport({ signal: aborting.signal, ...request })
  const metrics = createHookMetrics()
  const backOff = { clock, random, firstBackOffMs: 500, longestBackOffMs: 30_000 }

  const toServer = openUndiciTransport(trusting(mooring.certificateAuthorities))
  const server = createServerClient(
    abortable(retryingTransport(toServer.send, { ...backOff, tries: 4, longestWaitMs: 60_000 })),
    {
      endpoint: mooring.endpoint,
      credentials: { keyId: mooring.keyId, keySecret: mooring.keySecret },
      now: clock.now,
    },
  )

  const toBitbucket = openUndiciTransport(trusting(bitbucket.certificateAuthorities))
  const scheduler = createCallScheduler({
    clock,
    callsPerSecond: bitbucket.callsPerSecond,
    burst: bitbucket.burst,
    maxInFlight: bitbucket.inFlight,
    onPause: (_, notBefore) => metrics.rateLimited(Math.max(0, notBefore - clock.now()) / 1000),
  })
  // One host and one user: one lane.
  const scheduled = scheduledTransport(metrics.counting(toBitbucket.send), scheduler, bitbucket.url, clock)
  const transport = retryingTransport(scheduled, { ...backOff, tries: 5, longestWaitMs: longestRetryAfterMs })

  return {
    server,
    bitbucket: { transport: abortable(transport), baseUrl: bitbucket.url, token: bitbucket.token },
    clock,
    random,
    log,
    metrics,
    policy,
    removals,
    mode,
    abort: () => aborting.abort(new Error('The service stops.')),
    close: async () => {
      await toServer.close()
      await toBitbucket.close()
    },
  }
}

function trusting(certificateAuthorities: string | undefined) {
  return certificateAuthorities === undefined ? {} : { certificateAuthorities }
}
