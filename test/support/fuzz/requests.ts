import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import type { ArbitraryRequest } from '../api-requests.ts'

/** A request to one operation, as it goes over the wire but for the headers that say who asks. */
export interface WireRequest {
  readonly operation: OperationId
  /** Who asks, by name. */
  readonly caller: string
  readonly method: string
  /** With the query, encoded. */
  readonly path: string
  /** They come after the caller's own, and replace them; null takes one away. */
  readonly headers: Readonly<Record<string, string | null>>
  /** As it is sent: its characters are bytes. Undefined: no body. */
  readonly body?: string | undefined
}

export interface WireAnswer {
  /** 0: no whole answer came within the deadline. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

const deadlineMs = 10_000

/** Opens connections to the server at `url`; `send` never throws. */
export function openWire(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  return {
    send: (asked: WireRequest, callerHeaders: Readonly<Record<string, string>>) => {
      const body = asked.body === undefined ? undefined : Buffer.from(asked.body, 'latin1')
      const headers = Object.entries({
        ...callerHeaders,
        ...(body ? { 'content-type': 'application/json', 'content-length': String(body.byteLength) } : {}),
        ...asked.headers,
      }).filter((header): header is [string, string] => header[1] !== null)
      return new Promise<WireAnswer>((resolve) => {
        const nothing = (text: string) => resolve({ status: 0, headers: {}, text })
        const sending = request(`${url}${asked.path}`, { agent, method: asked.method }, (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.once('error', (error) => nothing(error.message))
          response.once('end', () => {
            const text = Buffer.concat(chunks).toString('utf8')
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
          })
        })
        for (const [name, value] of headers) sending.setHeader(name, value)
        sending.setTimeout(deadlineMs, () => sending.destroy(new Error(`no answer within ${deadlineMs} ms`)))
        sending.once('error', (error) => nothing(error.message))
        sending.end(body)
      })
    },
    close: () => agent.destroy(),
  }
}

export type Wire = ReturnType<typeof openWire>

/** The bytes of a text in UTF-8, one character each; half of a character becomes what no UTF-8 has. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** The request as its parts say, by the caller of that name. */
export function toWire(
  id: OperationId,
  caller: string,
  { params = {}, query = {}, body }: Partial<ArbitraryRequest>,
): WireRequest {
  const operation: Operation = operations[id]
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(whole(params[name] ?? '')))
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      [value].flat().map((each): [string, string] => [whole(name), whole(String(each))]),
    ),
  ).toString()
  return {
    operation: id,
    caller,
    method: operation.method,
    path: search === '' ? path : `${path}?${search.slice(0, 6_000)}`,
    headers: {},
    body: body === undefined ? undefined : bytesOf(JSON.stringify(body)),
  }
}

/** Half of a character cannot be part of an address. */
function whole(text: string): string {
  return text.replace(/\p{Cs}/gu, '').slice(0, 3_000)
}
