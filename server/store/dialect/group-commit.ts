import type { DeliveryWriter, DeliveryWriterEvents, ReceivedDelivery, StoreOutcome } from '../delivery-writer.ts'

/** The means of one database to store a batch in one commit: all of it, or nothing and an error. */
export interface BatchStore {
  readonly maxBatch: number
  readonly maxInFlight: number
  /** The outcomes in the batch's order. Storing a batch again whose outcome was never learnt changes nothing. */
  store(batch: readonly ReceivedDelivery[]): StoreOutcome[] | Promise<StoreOutcome[]>
  failureOf(error: unknown): BatchFailure
  close(): void | Promise<void>
}

/**
 * `busy`: another connection is writing, so try again at once. `data`: a delivery that the database will never take.
 * `full`: the disk is, and what is given up for it is not for deliveries (F6). `unavailable`: anything else.
 */
export type BatchFailure = 'busy' | 'data' | 'full' | 'unavailable'

/** How long a delivery waits for the database (R40). */
const patienceMs = 8_000
const gatheringMs = 2
const firstPauseMs = 10
const longestPauseMs = 250

interface Waiting {
  readonly delivery: ReceivedDelivery
  readonly deadline: number
  settle: ((outcome: StoreOutcome) => void) | undefined
  /** Was in a batch that the database will never take; goes alone, so that one of them cannot fail the others. */
  isSuspect: boolean
}

/**
 * Groups what arrives within a few turns of the event loop, or while earlier batches are under way, into one commit. A
 * batch that fails is tried again until its eight seconds are over, each delivery by itself where one of them may be why.
 */
export function groupCommit(batches: BatchStore, events: DeliveryWriterEvents): DeliveryWriter {
  const queue: Waiting[] = []
  let pending = 0
  let inFlight = 0
  let isScheduled = false
  let pauseMs = 0
  let idle: (() => void) | undefined
  const underWay = new Set<Waiting>()
  const patience = setInterval(giveUpLate, longestPauseMs).unref()

  function store(delivery: ReceivedDelivery): Promise<StoreOutcome> {
    return new Promise((settle) => {
      pending += 1
      queue.push({ delivery, deadline: performance.now() + patienceMs, settle, isSuspect: false })
      schedule()
    })
  }

  function schedule(): void {
    if (isScheduled || queue.length === 0 || inFlight >= batches.maxInFlight) return
    isScheduled = true
    if (pauseMs > 0) setTimeout(flush, pauseMs)
    else gather(0, performance.now() + gatheringMs)
  }

  /** Waits as long as each turn of the event loop brings more: those who were answered together send together. */
  function gather(before: number, until: number): void {
    setImmediate(() => {
      const isGrowing = queue.length > before && queue.length < batches.maxBatch
      if (isGrowing && performance.now() < until) gather(queue.length, until)
      else flush()
    })
  }

  function flush(): void {
    isScheduled = false
    while (queue.length > 0 && inFlight < batches.maxInFlight) {
      const batch = nextBatch()
      if (!run(batch)) return
    }
  }

  function nextBatch(): Waiting[] {
    if (queue[0]?.isSuspect) return queue.splice(0, 1)
    const suspect = queue.findIndex(({ isSuspect }) => isSuspect)
    return queue.splice(0, Math.min(suspect === -1 ? queue.length : suspect, batches.maxBatch))
  }

  /** Starts a batch; false when it failed at once. */
  function run(batch: Waiting[]): boolean {
    const startedAt = performance.now()
    try {
      const outcomes = batches.store(batch.map(({ delivery }) => delivery))
      if (!(outcomes instanceof Promise)) {
        succeed(batch, outcomes, startedAt)
        return true
      }
      inFlight += 1
      for (const waiting of batch) underWay.add(waiting)
      outcomes.then(
        (stored) => {
          land(batch)
          succeed(batch, stored, startedAt)
          schedule()
        },
        (error: unknown) => {
          land(batch)
          fail(batch, error)
        },
      )
      return true
    } catch (error) {
      fail(batch, error)
      return false
    }
  }

  function land(batch: readonly Waiting[]): void {
    inFlight -= 1
    for (const waiting of batch) underWay.delete(waiting)
  }

  function succeed(batch: readonly Waiting[], outcomes: readonly StoreOutcome[], startedAt: number): void {
    pauseMs = 0
    events.onCommit(batch.length, (performance.now() - startedAt) / 1_000)
    batch.forEach((waiting, index) => {
      settle(waiting, outcomes[index] ?? { kind: 'unavailable' })
    })
  }

  function fail(batch: readonly Waiting[], error: unknown): void {
    const failure = batches.failureOf(error)
    if (failure !== 'busy') events.onFailure(error)
    pauseMs = failure === 'unavailable' ? Math.min(longestPauseMs, Math.max(firstPauseMs, pauseMs * 2)) : 1
    const [only] = batch
    if (failure === 'data' && batch.length === 1 && only !== undefined) settle(only, { kind: 'unavailable' })
    if (failure === 'full')
      for (const waiting of [...batch, ...queue.splice(0)]) settle(waiting, { kind: 'unavailable' })
    for (const waiting of batch) waiting.isSuspect ||= failure === 'data'
    queue.unshift(...batch.filter((waiting) => waiting.settle !== undefined))
    giveUpLate()
    schedule()
  }

  function giveUpLate(): void {
    const now = performance.now()
    const isLate = (waiting: Waiting) => waiting.deadline <= now
    for (const waiting of underWay) if (isLate(waiting)) settle(waiting, { kind: 'unavailable' })
    if (!queue.some(isLate)) return
    const inTime = queue.filter((waiting) => !isLate(waiting))
    for (const waiting of queue.splice(0).filter(isLate)) settle(waiting, { kind: 'unavailable' })
    queue.push(...inTime)
  }

  function settle(waiting: Waiting, outcome: StoreOutcome): void {
    if (waiting.settle === undefined) return
    pending -= 1
    waiting.settle(outcome)
    waiting.settle = undefined
    if (pending === 0) idle?.()
  }

  async function close(): Promise<void> {
    if (pending > 0) {
      patience.ref()
      await new Promise<void>((resolve) => {
        idle = resolve
      })
    }
    clearInterval(patience)
    await batches.close()
  }

  return {
    get pending() {
      return pending
    },
    store,
    close,
  }
}
