import { createHash, createHmac, randomBytes } from 'node:crypto'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestIntegration } from '../../test/support/receiver.ts'
import type { Call } from './history.ts'

/** Deliveries, writes to the API and reads of it, from several connections, until `stop`. */
export interface Traffic {
  readonly calls: readonly Call[]
  /** The reasons that `/readyz` gave while it answered 503. */
  readonly reasons: ReadonlySet<string>
  /** Whether `/readyz` answers 200 now. */
  isReady(): Promise<boolean>
  /** Sends nothing more, and waits for the answers. */
  stop(): Promise<void>
}

export interface TrafficTarget {
  readonly port: number
  readonly integration: TestIntegration
  /** A root admin's. */
  readonly token: string
  readonly senders?: number
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Longer than any answer may take. */
const longestWaitMs = 60_000

/** Starts sending. Nothing is ever sent twice. */
export function startTraffic({ port, integration, token, senders = 8 }: TrafficTarget): Traffic {
  const agent = new Agent({ keepAlive: true })
  const calls: Call[] = []
  const reasons = new Set<string>()
  let isStopped = false

  async function call(kind: Call['kind'], key: string, path: string, body: string | undefined, headers: object) {
    const sentAt = performance.now()
    const answer = await send(agent, port, body === undefined ? 'GET' : 'POST', path, body, headers)
    const retryAfter = answer.headers['retry-after']
    calls.push({
      kind,
      key,
      digest: createHash('sha256')
        .update(body ?? '')
        .digest('hex'),
      sentAt,
      answeredAt: performance.now(),
      status: answer.status,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
      code: codeOf(answer.text),
    })
    if (answer.status >= 300 || answer.status === 0) await sleep(50)
  }

  function deliver(): Promise<void> {
    const requestId = randomBytes(16).toString('hex')
    const body = JSON.stringify({ eventKey: 'repo:refs_changed', requestId, text: 'x'.repeat(2_000) })
    const signature = createHmac('sha256', integration.secret).update(body).digest('hex')
    return call('delivery', requestId, `/webhooks/bitbucket-datacenter/${integration.slug}`, body, {
      'content-type': 'application/json',
      'x-event-key': 'repo:refs_changed',
      'x-request-id': requestId,
      'x-hub-signature': `sha256=${signature}`,
    })
  }

  const authorised = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  function write(): Promise<void> {
    const name = `written ${randomBytes(8).toString('hex')}`
    return call('write', name, '/api/v1/api-keys', JSON.stringify({ name, role: 'worker' }), authorised)
  }

  const read = () => call('read', '', '/api/v1/spaces?limit=5', undefined, authorised)

  async function askReadiness(): Promise<boolean> {
    const { status, text } = await send(agent, port, 'GET', '/readyz', undefined, {})
    if (status === 503) reasons.add((JSON.parse(text) as { reason?: string }).reason ?? 'no reason')
    return status === 200
  }

  async function onAndOn(act: () => Promise<unknown>, pauseMs: number): Promise<void> {
    while (!isStopped) {
      await act()
      await sleep(pauseMs)
    }
  }

  const loops = [
    ...Array.from({ length: senders }, () => onAndOn(deliver, 10)),
    onAndOn(write, 20),
    onAndOn(write, 20),
    onAndOn(read, 50),
    onAndOn(askReadiness, 200),
  ]
  return {
    calls,
    reasons,
    isReady: askReadiness,
    stop: async () => {
      isStopped = true
      await Promise.all(loops)
      agent.destroy()
    },
  }
}

/** Sends one request, and gives status 0 when no whole answer comes. */
export function send(
  agent: Agent,
  port: number,
  method: string,
  path: string,
  body: string | undefined,
  headers: object,
): Promise<Answer> {
  return new Promise((resolve) => {
    const failed = () => resolve({ status: 0, headers: {}, text: '' })
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const options = { agent, host: '127.0.0.1', port, path, method, headers: { ...headers, ...length } }
    const sending = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      response.once('error', failed)
    })
    sending.setTimeout(longestWaitMs, () => sending.destroy())
    sending.once('error', failed)
    sending.end(body)
  })
}

function codeOf(text: string): string | undefined {
  try {
    const { code } = JSON.parse(text) as { code?: unknown }
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}
