import type { IncomingMessage, ServerResponse } from 'node:http'

/** A refusal of a webhook. Bitbucket shows the body to whoever looks at the webhook's last delivery. */
export interface Refusal {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export const refusals = {
  wrong_method: refusal(405, 'Webhooks are sent with POST.', { Allow: 'POST' }),
  unknown_integration: refusal(404, 'No integration has this webhook address: compare it with the one Mooring shows.'),
  repeated_header: refusal(400, 'A header that may come once came twice.'),
  encoded_body: refusal(415, 'The body must be sent as it was signed: without a Content-Encoding.'),
  body_too_large: refusal(413, 'The body is larger than 5 MiB.'),
  unsigned: refusal(401, 'The webhook in Bitbucket has no secret: enter the one that Mooring shows.'),
  wrong_secret: refusal(401, 'The signature does not match: enter the secret that Mooring shows in the webhook.'),
  retired_secret: refusal(401, 'The webhook signs with a secret that was replaced: enter the present one.'),
  too_many_requests: refusal(429, 'Too many requests that could not be verified came from this address.', {
    'Retry-After': '1',
  }),
  overloaded: refusal(503, 'More deliveries are waiting than can be held: send it again.', { 'Retry-After': '5' }),
  disk_full: refusal(503, 'The disk of the server is full: send it again later.', { 'Retry-After': '30' }),
  unavailable: refusal(503, 'The delivery could not be stored: send it again.', { 'Retry-After': '5' }),
} as const satisfies Record<string, Refusal>

export type RefusalReason = keyof typeof refusals

/** Answers 202 with the delivery's id and nothing else (R34). */
export function answerStored(response: ServerResponse, id: string): void {
  // 36 characters of a UUID and nine around it.
  response.writeHead(202, stored).end(`{"id":"${id}"}`)
}

export function answerDuplicate(response: ServerResponse, id: string): void {
  const body = `{"id":"${id}","duplicate":true}`
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body)
}

export function answerPing(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 2 }).end('{}')
}

/** Refuses a request whose body has been read. */
export function answerRefusal(response: ServerResponse, reason: RefusalReason): void {
  const { status, body, headers }: Refusal = refusals[reason]
  response.writeHead(status, { ...problemHeaders(body), ...headers }).end(body)
}

const lingerMs = 1_000

/**
 * Refuses before the body has been read, and closes the connection (S9). The answer is sent at once; what still comes
 * of the body is thrown away for up to a second, because closing on unread bytes resets the connection, and the
 * sender would never see the answer.
 */
export function answerEarly(request: IncomingMessage, response: ServerResponse, reason: RefusalReason): void {
  const { status, body, headers }: Refusal = refusals[reason]
  response.writeHead(status, { ...problemHeaders(body), ...headers, Connection: 'close' })
  if (request.complete || request.method === 'HEAD') {
    response.end(body)
    return
  }
  response.write(body)
  const close = () => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(close, lingerMs)
  request.once('end', close).once('close', close).resume()
}

const stored = { 'Content-Type': 'application/json', 'Content-Length': 45 }

function problemHeaders(body: string): Record<string, string | number> {
  return { 'Content-Type': 'application/problem+json', 'Content-Length': Buffer.byteLength(body) }
}

function refusal(status: number, detail: string, headers: Readonly<Record<string, string>> = {}): Refusal {
  return { status, headers, body: JSON.stringify({ type: 'about:blank', title: 'Webhook refused', status, detail }) }
}
