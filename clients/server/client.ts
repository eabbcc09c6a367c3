import { type OperationId, type OperationOutput, type OperationRequest, operations } from '../../schemas/api.ts'
import type { Token } from '../../schemas/api-key.ts'
import type { Operation } from '../../schemas/operation.ts'
import type { Transport, TransportResponse } from '../transport.ts'
import { errorOfAnswer, isWithoutSecret, parseBody, SecretAlreadyShown, UnexpectedAnswer } from './problem.ts'

export interface ServerClientOptions {
  /** Where the server is: scheme, host, optional port and path; a slash at the end does not matter. */
  readonly endpoint: string
  /** The API key; without one only the operations for anyone can be called. */
  readonly credentials?: { readonly keyId: string; readonly keySecret: string }
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface CallOptions {
  /** The ETag of the version that the change was made for: another one is answered `precondition_failed`. */
  readonly ifMatch?: string
  /** Drawn anew for each write: sent again with the same key, the write happens once. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface ServerClient {
  /**
   * Calls an operation by its name.
   *
   * @throws ServerProblem for a failure that the server names, UnexpectedAnswer for what is not its API,
   * TransportError where there was no answer, SecretAlreadyShown where an idempotency key was used before
   */
  call<Id extends OperationId>(
    id: Id,
    request: OperationRequest<Id>,
    options?: CallOptions,
  ): Promise<OperationOutput<Id>>
  /** Like `call`, with the ETag of the object in the answer, for a later `ifMatch`; undefined where it has none. */
  callWithEtag<Id extends OperationId>(
    id: Id,
    request: OperationRequest<Id>,
    options?: CallOptions,
  ): Promise<{ readonly answer: OperationOutput<Id>; readonly etag: string | undefined }>
}

/** A token that ends this soon is replaced before it is used. */
const refreshBeforeMs = 60_000

/**
 * Makes a client of the server's API, derived from the table of operations. It exchanges the API key for a token
 * when it first needs one, again before that ends, and once more when the server refuses it: one exchange at a time,
 * for all calls that wait.
 */
export function createServerClient(transport: Transport, options: ServerClientOptions): ServerClient {
  const { endpoint, credentials, now } = options
  let token: Promise<Token> | undefined

  async function send(operation: Operation, parts: RequestParts, call: CallOptions, bearer: string | undefined) {
    return transport({
      method: operation.method,
      url: urlOf(endpoint, operation.path, parts),
      headers: {
        accept: 'application/json',
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(parts.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(call.ifMatch === undefined ? {} : { 'if-match': call.ifMatch }),
        ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
      },
      ...(parts.body === undefined ? {} : { body: JSON.stringify(parts.body) }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
      ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
    })
  }

  async function exchange(): Promise<Token> {
    const response = await send(operations.createToken, { body: credentials }, {}, undefined)
    return readAnswer(operations.createToken, response) as Token
  }

  /** The present token, or a new one where it is missing, ends soon, or is the one that was `refused`. */
  async function getToken(refused?: string): Promise<string> {
    const present = token
    const known = present && (await present.catch(() => undefined))
    const isGood = known && known.token !== refused && Date.parse(known.expiresAt) - now() > refreshBeforeMs
    if (isGood) return known.token
    // Whoever waited for the same token finds here that another has begun to replace it.
    if (token === present) token = exchange()
    const replaced = await (token ?? exchange())
    return replaced.token
  }

  async function call(id: OperationId, parts: RequestParts, callOptions: CallOptions): Promise<Answered> {
    const operation: Operation = operations[id]
    const answered = (response: TransportResponse): Answered => ({
      answer: readAnswer(operation, response),
      etag: response.headers.etag,
    })
    if (operation.permission === 'anyone' || !credentials) {
      return answered(await send(operation, parts, callOptions, undefined))
    }
    const bearer = await getToken()
    const response = await send(operation, parts, callOptions, bearer)
    if (response.status !== 401) return answered(response)
    return answered(await send(operation, parts, callOptions, await getToken(bearer)))
  }

  return {
    call: async (id, request, callOptions = {}) => (await call(id, request, callOptions)).answer as never,
    callWithEtag: (id, request, callOptions = {}) => call(id, request, callOptions) as Promise<never>,
  }
}

interface Answered {
  readonly answer: unknown
  readonly etag: string | undefined
}

interface RequestParts {
  readonly params?: unknown
  readonly query?: unknown
  readonly body?: unknown
}

function urlOf(endpoint: string, path: string, { params, query }: RequestParts): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String((params as Record<string, unknown> | undefined)?.[name] ?? '')
    // encodeURIComponent leaves dots as they are, and the URL parser would read them as a way up.
    if (value === '' || value === '.' || value === '..') throw new Error(`"${value}" cannot be the ${name} of a path.`)
    return encodeURIComponent(value)
  })
  const search = new URLSearchParams(
    Object.entries(query ?? {}).flatMap(([name, value]): [string, string][] =>
      [value].flat().flatMap((one): [string, string][] => (one === undefined ? [] : [[name, String(one)]])),
    ),
  ).toString()
  return `${endpoint.replace(/\/+$/, '')}${filled}${search === '' ? '' : `?${search}`}`
}

function readAnswer(operation: Operation, response: TransportResponse): unknown {
  if (response.status < 200 || response.status > 299) throw errorOfAnswer(response)
  if (!operation.response) return undefined
  const body = parseBody(response)
  if (operation.secretFields && isWithoutSecret(body)) throw new SecretAlreadyShown(operation.summary, body)
  const parsed = operation.response.safeParse(body)
  if (!parsed.success)
    throw new UnexpectedAnswer(response.status, 'The server gave an answer that its API does not have')
  return parsed.data
}
