import { type FieldError, type ProblemCode, ProblemDocument } from '../../schemas/problem.ts'
import type { TransportResponse } from '../transport.ts'

/** A failure that the server named: its sentence, its stable code, and the fields that were wrong. */
export class ServerProblem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly detail: string
  readonly errors: readonly FieldError[]
  /** The stacks that would lose their integration, for `would_detach` and `integration_protected`. */
  readonly stacks: readonly string[]
  constructor(document: ProblemDocument) {
    super(document.detail)
    this.name = 'ServerProblem'
    this.code = document.code
    this.status = document.status
    this.detail = document.detail
    this.errors = document.errors ?? []
    this.stacks = document.stacks ?? []
  }
}

/** An answer that is not of Mooring's API: a proxy's page, say, or another server at the address. */
export class UnexpectedAnswer extends Error {
  readonly status: number
  constructor(status: number, what: string) {
    super(`${what} (status ${status}). Check that the address is Mooring's, and that nothing between answers for it.`)
    this.name = 'UnexpectedAnswer'
    this.status = status
  }
}

/**
 * A write that had happened before under its idempotency key: its secret was in the first answer, and in no other
 * (R202). `answer` is the rest of it.
 */
export class SecretAlreadyShown extends Error {
  readonly answer: Readonly<Record<string, unknown>>
  constructor(what: string, answer: Readonly<Record<string, unknown>>) {
    super(`"${what}" has happened before under this idempotency key, and its secret was shown then, once.`)
    this.name = 'SecretAlreadyShown'
    this.answer = answer
  }
}

export function isWithoutSecret(body: unknown): body is Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null && 'secretShown' in body && body.secretShown === true
}

/** Reads a failure; a problem with a code that this client does not know is an unexpected answer. */
export function errorOfAnswer(response: TransportResponse): ServerProblem | UnexpectedAnswer {
  const parsed = ProblemDocument.safeParse(parseBody(response))
  if (parsed.success) return new ServerProblem(parsed.data)
  return new UnexpectedAnswer(response.status, 'The server answered with an error that is none of its API')
}

/** The JSON of an answer; undefined where it is none. */
export function parseBody(response: TransportResponse): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(response.body))
  } catch {
    return undefined
  }
}
