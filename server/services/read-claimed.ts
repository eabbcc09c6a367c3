import type { ClaimedRepository } from '../core/push-events.ts'
import { isKnownEvent, type Push, readDelivery } from '../core/push-events.ts'
import { type ClaimedDelivery, findReplayed, readBody, type Verdict } from '../store/delivery-queue.ts'
import type { Database } from '../store/tables.ts'

/** A delivery that may make runs. */
export interface PushDelivery {
  readonly delivery: ClaimedDelivery
  readonly repository: ClaimedRepository
  readonly pushes: readonly Push[]
}

/** What a claimed batch says: deliveries that are decided by their body alone, and those that Bitbucket is asked about. */
export interface ReadBatch {
  readonly decided: Map<string, Verdict>
  readonly pushes: readonly PushDelivery[]
}

/**
 * Reads the bodies of one integration's batch, in order. What brings a body that was processed before, under whatever
 * request id, is a replay (S2).
 */
export async function readClaimed(
  db: Database,
  integrationId: string,
  deliveries: readonly ClaimedDelivery[],
): Promise<ReadBatch> {
  const replayed = await findReplayed(db, integrationId, deliveries)
  const decided = new Map<string, Verdict>()
  const pushes: PushDelivery[] = []
  for (const delivery of deliveries) {
    const first = replayed.get(delivery.id)
    if (first !== undefined) {
      decided.set(delivery.id, replayOf(first))
      continue
    }
    const body = delivery.body ?? (await readBody(db, delivery.id)) ?? new Uint8Array()
    const read = readOne(delivery, body)
    if ('verdict' in read) decided.set(delivery.id, read)
    else pushes.push(read)
  }
  return { decided, pushes }
}

export function replayOf(firstDeliveryId: string | null): Verdict {
  const detail =
    firstDeliveryId === null
      ? 'Another delivery brought the same body.'
      : `The delivery ${firstDeliveryId} brought the same body.`
  return { verdict: 'ignored', reason: 'replay', detail }
}

function readOne(delivery: ClaimedDelivery, body: Uint8Array): PushDelivery | Verdict {
  const read = readDelivery(delivery.event_key, body)
  if (read.kind === 'unreadable') {
    const place = read.pointer === '' ? 'the body' : read.pointer
    return { verdict: 'unreadable', reason: read.reason, detail: `${place}: ${read.detail}` }
  }
  if (read.kind === 'other') {
    const known = isKnownEvent(read.eventKey) ? 'makes no runs' : 'is not known'
    return { verdict: 'ignored', reason: 'event', detail: `The event ${read.eventKey} ${known}.` }
  }
  if (read.pushes.length === 0) {
    const detail =
      read.ignored.length === 0 ? 'The push moved nothing.' : 'Only tags and deleted branches, which make no runs.'
    return { verdict: 'ignored', reason: 'event', detail }
  }
  return { delivery, repository: read.repository, pushes: read.pushes }
}
