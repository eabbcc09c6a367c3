import { groupBy } from '../core/group-by.ts'
import { processBatch } from '../services/process-batch.ts'
import type { ProcessingDeps } from '../services/processing-deps.ts'
import { type ClaimedDelivery, claimDeliveries, releaseDeliveries, renewLeases } from '../store/delivery-queue.ts'
import { type Loop, startLoop } from './loop.ts'

/** How many deliveries are claimed at once (L1). */
const batchSize = 64
/** With so many integrations at work nothing more is claimed. */
const integrationsAtOnce = 16
const everyMs = 1_000
const leaseMs = 60_000

/**
 * Processes stored deliveries. An integration is worked on by one batch at a time in this process, so that its
 * deliveries stay in order and a slow Bitbucket keeps nobody else's waiting.
 */
export function startDeliveryLoop(deps: ProcessingDeps, mayWork: () => boolean = () => true): Loop {
  const { db, clock, log } = deps
  const busy = new Map<string, { readonly deliveries: readonly ClaimedDelivery[]; readonly done: Promise<void> }>()

  /** Claims on which the work ended without a word to the database: given back once it answers again. */
  let owed: readonly ClaimedDelivery[] = []

  async function turn(): Promise<boolean> {
    const given = owed
    if (given.length > 0) await releaseDeliveries(db, given)
    owed = owed.slice(given.length)
    if (busy.size >= integrationsAtOnce) return false
    const now = clock.now()
    const except = [...busy.keys()]
    const claimed = await claimDeliveries(db, { now, leaseUntil: now + leaseMs, limit: batchSize, except })
    for (const [integrationId, deliveries] of groupBy(claimed, (delivery) => delivery.integration_id)) {
      const done = work(integrationId, deliveries).finally(() => {
        busy.delete(integrationId)
        loop.kick()
      })
      busy.set(integrationId, { deliveries, done })
    }
    return claimed.length === batchSize
  }

  async function work(integrationId: string, deliveries: readonly ClaimedDelivery[]): Promise<void> {
    try {
      await processBatch(deps, integrationId, deliveries)
    } catch (error) {
      log.error({ err: error }, 'deliveries are given back')
      owed = [...owed, ...deliveries]
    }
  }

  const renewing = setInterval(() => {
    const ids = [...busy.values()].flatMap(({ deliveries }) => deliveries.map(({ id }) => id))
    renewLeases(db, ids, clock.now() + leaseMs).catch((error) => log.warn({ err: error }, 'leases not renewed'))
  }, leaseMs / 3)
  const loop = startLoop({ name: 'deliveries', everyMs, log, turn, mayWork })
  return {
    kick: loop.kick,
    stop: async () => {
      await loop.stop()
      await Promise.all([...busy.values()].map(({ done }) => done))
      clearInterval(renewing)
    },
  }
}
