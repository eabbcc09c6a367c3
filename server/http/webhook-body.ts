import type { IncomingMessage } from 'node:http'

/** Counts the bytes of all bodies in memory, and says when there are too many (S10). */
export class BodyBudget {
  readonly #limit: number
  #held = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get held(): number {
    return this.#held
  }

  take(bytes: number): boolean {
    this.#held += bytes
    return this.#held <= this.#limit
  }

  release(bytes: number): void {
    this.#held -= bytes
  }
}

/** A whole body; its bytes count until `release` is called. */
export interface HeldBody {
  readonly bytes: Buffer
  release(): void
}

export type BodyFailure = 'body_too_large' | 'overloaded' | 'aborted'

/**
 * Reads the body. Only a whole one is handed out: the request ended and its framing was sound to the last byte (S7).
 * After a failure nothing of it is kept.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  budget: BodyBudget,
  done: (body: HeldBody | BodyFailure) => void,
): void {
  let chunks: Buffer[] = []
  let length = 0
  let isDone = false

  function settle(result: HeldBody | BodyFailure): void {
    if (isDone) return
    isDone = true
    request.off('data', add).off('end', end).off('close', close)
    chunks = []
    if (typeof result === 'string') budget.release(length)
    done(result)
  }

  function add(chunk: Buffer): void {
    length += chunk.length
    const fits = budget.take(chunk.length)
    if (length > limit) settle('body_too_large')
    else if (!fits) settle('overloaded')
    else chunks.push(chunk)
  }

  function end(): void {
    if (!request.complete) {
      settle('aborted')
      return
    }
    const [first] = chunks
    const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, length)
    settle({ bytes, release: () => budget.release(length) })
  }

  function close(): void {
    settle('aborted')
  }

  request.on('data', add).on('end', end).on('close', close)
}
