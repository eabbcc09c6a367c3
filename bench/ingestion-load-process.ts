import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { answerQuestions } from './child.ts'
import { type RequestTemplate, requestTemplates, type Traffic } from './ingestion-webhooks.ts'
import { quantile } from './target.ts'

/** Ask for so much traffic at a port, over so many connections, each of which waits for its answer. */
export interface LoadOrder {
  readonly port: number
  readonly traffic: Traffic
  readonly connections: number
  readonly milliseconds: number
}

export interface LoadReport {
  readonly answered: number
  readonly seconds: number
  readonly p99Ms: number
}

// Signing a thousand bodies is no part of a round.
const prepared = new Map<number, RequestTemplate[]>()

answerQuestions<LoadOrder, LoadReport>(load, () => undefined)

async function load({ port, traffic, connections, milliseconds }: LoadOrder): Promise<LoadReport> {
  const templates = prepared.get(port) ?? requestTemplates(traffic)
  prepared.set(port, templates)
  const latencies: number[] = []
  const startedAt = performance.now()
  const until = startedAt + milliseconds
  let next = Math.floor(Math.random() * templates.length)
  const nextTemplate = () => {
    const template = templates[next]
    next = (next + 1) % templates.length
    if (template === undefined) throw new Error('There is nothing to send.')
    return template
  }
  await Promise.all(Array.from({ length: connections }, () => keepSending(port, until, nextTemplate, latencies)))
  const seconds = (performance.now() - startedAt) / 1_000
  return { answered: latencies.length, seconds, p99Ms: latencies.length === 0 ? 0 : quantile(latencies, 0.99) }
}

/**
 * Sends one request after the other over one connection, and a new one where the server closed it. Written on sockets,
 * since Node's own client costs more than the servers that are measured.
 */
async function keepSending(
  port: number,
  until: number,
  nextTemplate: () => RequestTemplate,
  latencies: number[],
): Promise<void> {
  while (performance.now() < until) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    try {
      await useConnection(socket, until, nextTemplate, latencies)
    } finally {
      socket.destroy()
    }
  }
}

function useConnection(
  socket: Socket,
  until: number,
  nextTemplate: () => RequestTemplate,
  latencies: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0
    let received = ''

    function send(): void {
      const { head, body } = nextTemplate()
      sentAt = performance.now()
      socket.cork()
      socket.write(`${head}${randomUUID()}\r\n\r\n`, 'latin1')
      socket.write(body)
      socket.uncork()
    }

    socket.setEncoding('latin1')
    socket.once('connect', send).once('error', reject)
    socket.once('close', () => reject(new Error('The server closed a connection without an answer.')))
    socket.on('data', (text: string) => {
      received += text
      if (!isWhole(received)) return
      const now = performance.now()
      const isLast = /^connection: close\r$/im.test(received)
      if (!/^HTTP\/1\.1 20[02] /.test(received)) {
        reject(new Error(`A webhook was not taken: ${received.slice(0, 300)}`))
        return
      }
      latencies.push(now - sentAt)
      received = ''
      if (isLast || now >= until) resolve()
      else send()
    })
  })
}

/** Knows the two framings that answers here have. */
function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd === -1) return false
  const length = /^content-length: (\d+)\r$/im.exec(answer)?.[1]
  return length === undefined ? answer.endsWith('0\r\n\r\n') : answer.length >= headEnd + 4 + Number(length)
}
