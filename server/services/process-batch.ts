import { type BackOff, backOffMs } from '../core/back-off.ts'
import {
  type ClaimedDelivery,
  deferDeliveries,
  finishDeliveries,
  LostClaimError,
  releaseDeliveries,
} from '../store/delivery-queue.ts'
import { isDatabaseUnavailable } from '../store/dialect/database-unavailable.ts'
import { processDeliveries } from './process-deliveries.ts'
import type { ProcessingDeps } from './processing-deps.ts'

const waitAfterFailure: BackOff = { firstMs: 1_000, longestMs: 60_000 }
/** How often a delivery on which the server itself fails is tried. */
const mostTries = 5

/**
 * Processes one integration's part of a batch. When the server fails on it, each delivery is processed alone, so that
 * one which cannot be processed keeps no other from it; that one is tried a few times and then given up. When the
 * server stops, what was not finished is given back.
 *
 * @throws what the database throws while it cannot be used: that is no failure of a delivery, and counts as none
 */
export async function processBatch(
  deps: ProcessingDeps,
  integrationId: string,
  deliveries: readonly ClaimedDelivery[],
): Promise<void> {
  try {
    await processDeliveries(deps, integrationId, deliveries)
  } catch (error) {
    if (deps.signal.aborted) return releaseDeliveries(deps.db, deliveries)
    if (isDatabaseUnavailable(error)) throw error
    deps.log.error({ err: error, deliveries: deliveries.length }, 'batch of deliveries failed; each is tried alone')
    for (const delivery of deliveries) await processAlone(deps, integrationId, delivery)
  }
}

async function processAlone(deps: ProcessingDeps, integrationId: string, delivery: ClaimedDelivery): Promise<void> {
  const { db, clock, log } = deps
  const { id, attempts } = delivery
  try {
    await processDeliveries(deps, integrationId, [delivery])
  } catch (error) {
    if (deps.signal.aborted) return releaseDeliveries(db, [delivery])
    if (error instanceof LostClaimError) return // it is finished, or in other hands
    if (isDatabaseUnavailable(error)) throw error
    log.error({ delivery: id, attempts, err: error }, 'delivery could not be processed')
    if (attempts < mostTries) {
      const notBefore = clock.now() + backOffMs(waitAfterFailure, attempts)
      return deferDeliveries(db, [{ id, attempts, notBefore, detail: null }])
    }
    const detail = `The server failed on it ${attempts} times; its log says why.`
    await finishDeliveries(db, [{ id, attempts, verdict: 'ignored', reason: 'gave_up', detail }], clock.now())
  }
}
