import type { Logger } from 'pino'

/** Something that is done again and again until it is stopped. */
export interface Loop {
  /** Looks for work soon, without waiting for the next turn. */
  kick(): void
  /** Starts no further turn; resolves when the present one has ended. */
  stop(): Promise<void>
}

export interface LoopOptions {
  readonly name: string
  readonly everyMs: number
  readonly log: Logger
  /** Says whether there may be more to do at once. What it throws is logged, and the loop goes on. */
  readonly turn: () => Promise<boolean>
  /** Asked before each turn; false leaves it out (F6). */
  readonly mayWork?: () => boolean
}

/** Runs turns one after the other: at the start, when kicked, and every so often regardless (L7). */
export function startLoop({ name, everyMs, log, turn, mayWork = () => true }: LoopOptions): Loop {
  let stopped = false
  let kicked = false
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    do {
      kicked = false
      if (!mayWork()) return
      try {
        if (await turn()) kicked = true
      } catch (error) {
        log.error({ job: name, err: error }, 'job failed; it is tried again')
        return // not at once: what failed now would fail again
      }
    } while (kicked && !stopped)
  }

  function kick(): void {
    kicked = true
    if (stopped || running) return
    running = run().finally(() => {
      running = undefined
    })
  }

  const timer = setInterval(kick, everyMs)
  kick()
  return {
    kick,
    stop: async () => {
      stopped = true
      clearInterval(timer)
      await running
    },
  }
}
