import type { CallClock } from '../../clients/call-scheduler.ts'
import { TerminalError } from './terminal-error.ts'

/** How a look at a key ended; a throw is the other two outcomes: back-off, or never mind (`TerminalError`). */
export type Outcome = { readonly kind: 'done' } | { readonly kind: 'requeue'; readonly afterMs: number }

export interface ControllerOptions {
  readonly reconcile: (key: string) => Promise<Outcome>
  readonly clock: CallClock
  /** A number in [0, 1), as `Math.random` gives it. */
  readonly random: () => number
  readonly workers: number
  /** The first back-off is between 0 and this, the second between 0 and twice this, and so on: full jitter (B24). */
  readonly firstBackOffMs: number
  readonly longestBackOffMs: number
  /** How often a key is tried before it is given up until it is added again; `Infinity` for a service. */
  readonly tries: number
}

/** A queue of keys and its workers, as in Kubernetes' controller-runtime. */
export interface Controller {
  /**
   * Queues a key. One that is queued already stays where it is; one that is being worked on comes again afterwards;
   * one that waits for its time (a back-off, a requeue) is not hurried.
   */
  add(key: string): void
  /** Resolves when nothing is queued or worked on; waiting keys do not count. */
  drained(): Promise<void>
  /** The same, with no back-off pending either. */
  settled(): Promise<void>
  /** Starts nothing more, and resolves when what is being worked on has ended. */
  stop(): Promise<void>
}

interface KeyState {
  phase: 'queued' | 'running' | 'waiting'
  /** Added while it was being worked on. */
  comesAgain: boolean
  /** Throws in a row. */
  failures: number
}

export function createController(options: ControllerOptions): Controller {
  const { clock, random, workers, firstBackOffMs, longestBackOffMs, tries } = options
  const keys = new Map<string, KeyState>()
  const stopping = new AbortController()
  const listeners = new Set<{ readonly isReached: () => boolean; readonly resolve: () => void }>()
  let queue: string[] = []
  let running = 0
  let backingOff = 0

  function enqueue(key: string, state: KeyState): void {
    state.phase = 'queued'
    state.comesAgain = false
    keys.set(key, state)
    queue.push(key)
    startWorkers()
  }

  function startWorkers(): void {
    while (running < workers && !stopping.signal.aborted) {
      const key = queue.shift()
      if (key === undefined) break
      running += 1
      void work(key).finally(() => {
        running -= 1
        startWorkers()
        notify()
      })
    }
  }

  function notify(): void {
    for (const listener of listeners) if (listener.isReached()) listener.resolve()
  }

  async function work(key: string): Promise<void> {
    const state = keys.get(key)
    if (!state) return
    state.phase = 'running'
    try {
      const outcome = await options.reconcile(key)
      state.failures = 0
      if (outcome.kind === 'requeue') return wait(key, state, outcome.afterMs)
    } catch (error) {
      state.failures = error instanceof TerminalError ? 0 : state.failures + 1
      if (state.failures > 0 && state.failures < tries) return backOff(key, state)
    }
    if (state.comesAgain) enqueue(key, { ...state, failures: 0 })
    else keys.delete(key)
  }

  function backOff(key: string, state: KeyState): void {
    const ceiling = Math.min(firstBackOffMs * 2 ** (state.failures - 1), longestBackOffMs)
    backingOff += 1
    wait(key, state, Math.floor(random() * ceiling), () => {
      backingOff -= 1
    })
  }

  function wait(key: string, state: KeyState, ms: number, onEnd?: () => void): void {
    state.phase = 'waiting'
    clock.sleep(ms, stopping.signal).then(
      () => {
        onEnd?.()
        enqueue(key, state)
      },
      () => {
        onEnd?.()
        notify() // stopped: nobody waits for this key any more
      },
    )
  }

  function reached(isReached: () => boolean): Promise<void> {
    if (isReached()) return Promise.resolve()
    return new Promise((resolve) => {
      const listener = {
        isReached,
        resolve: () => {
          listeners.delete(listener)
          resolve()
        },
      }
      listeners.add(listener)
    })
  }

  const isDrained = () => running === 0 && queue.length === 0
  return {
    add: (key) => {
      const state = keys.get(key)
      if (stopping.signal.aborted) return
      if (!state) enqueue(key, { phase: 'queued', comesAgain: false, failures: 0 })
      else if (state.phase === 'running') state.comesAgain = true
    },
    drained: () => reached(isDrained),
    settled: () => reached(() => isDrained() && backingOff === 0),
    stop: () => {
      queue = []
      stopping.abort(new Error('The controller stops.'))
      return reached(isDrained)
    },
  }
}
