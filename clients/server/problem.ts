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
