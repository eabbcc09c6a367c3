import type { Logger } from 'pino'
import { type BackOff, backOffMs } from '../core/back-off.ts'
import { type ClaimedDelivery, type Deferral, findWaiting, type Verdict } from '../store/delivery-queue.ts'
import type { Database } from '../store/tables.ts'
import type { StuckDelivery } from './confirm-deliveries.ts'
import type { PushDelivery } from './read-claimed.ts'

const waitForBitbucket: BackOff = { firstMs: 1_000, longestMs: 300_000 }
/** How long a delivery waits for Bitbucket in all (R46). */
const patienceMs = 24 * 3_600_000

/** What waiting deliveries say; later ones of the repository find them by it, and wait behind them. */
function waitingDetail(repositoryId: number): string {
  return `Waits until Bitbucket answers for the repository ${repositoryId}.`
}

/** Deliveries of a repository for which an earlier one waits, or is in other hands, wait behind it (R46). */
export async function holdBack(
  db: Database,
  integrationId: string,
  pushes: readonly PushDelivery[],
  claimed: readonly ClaimedDelivery[],
  now: number,
): Promise<{ readonly ready: readonly PushDelivery[]; readonly deferrals: readonly Deferral[] }> {
  const details = new Set(pushes.map(({ repository }) => waitingDetail(repository.id)))
  const waiting = await findWaiting(db, integrationId, [...details])
  const mine = new Set(claimed.map(({ id }) => id))
  const ready: PushDelivery[] = []
  const deferrals: Deferral[] = []
  for (const push of pushes) {
    const detail = waitingDetail(push.repository.id)
    const first = waiting.get(detail)
    if (first === undefined || mine.has(first.id) || first.id > push.delivery.id) ready.push(push)
    else {
      const { id, attempts } = push.delivery
      deferrals.push({ id, attempts, notBefore: Math.max(first.notBefore, now + 1_000), detail })
    }
  }
  return { ready, deferrals }
}

/** Ends those that have waited for a day. */
export function giveUp(stuck: readonly StuckDelivery[], now: number): Map<string, Verdict> {
  const ended = new Map<string, Verdict>()
  for (const { source, error } of stuck) {
    if (now - source.delivery.received_at < patienceMs) continue
    const detail = `Bitbucket gave no answer in 24 hours: ${error.message}`
    ended.set(source.delivery.id, { verdict: 'ignored', reason: 'gave_up', detail })
  }
  return ended
}

/** When to ask again. What stands in line for one repository becomes due together, in order. */
export function deferStuck(stuck: readonly StuckDelivery[], log: Logger, now: number): Deferral[] {
  const due = new Map<number, number>()
  return stuck.map(({ source, error }) => {
    const { id, attempts } = source.delivery
    const repository = source.repository.id
    log.warn({ repository, delivery: id, err: error }, 'delivery waits for Bitbucket')
    const notBefore = due.get(repository) ?? now + backOffMs(waitForBitbucket, attempts)
    due.set(repository, notBefore)
    return { id, attempts, notBefore, detail: waitingDetail(repository) }
  })
}
