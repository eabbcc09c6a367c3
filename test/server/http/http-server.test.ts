import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { slugOf } from '../../../server/http/webhook-listener.ts'
import { databases } from '../../support/databases.ts'
import { sendRaw, statusesOf } from '../../support/raw-http.ts'
import {
  insertIntegration,
  sendWebhook,
  sign,
  startReceiver,
  type TestIntegration,
  type TestReceiver,
} from '../../support/receiver.ts'
import { openTestDatabaseUrl } from '../../support/server-database.ts'

const path = '/webhooks/bitbucket-datacenter/acme'
const body = '{"eventKey":"pr:opened"}'

let receiver: TestReceiver
let integration: TestIntegration

beforeAll(async () => {
  const [sqlite] = databases
  if (sqlite === undefined) throw new Error('no database')
  receiver = await startReceiver(await openTestDatabaseUrl(sqlite), { limits: { unverifiedBurst: 100_000 } })
  integration = await insertIntegration(receiver.db, 'acme')
})
afterAll(() => receiver.stop())
beforeEach(async () => {
  await receiver.db.deleteFrom('delivery').execute()
})

function head(lines: readonly string[] = [], target = path, method = 'POST'): string {
  const all = [`${method} ${target} HTTP/1.1`, 'Host: mooring.test', 'X-Event-Key: pr:opened', ...lines]
  return `${all.join('\r\n')}\r\n`
}

function signed(lines: readonly string[] = [], target = path): string {
  return `${head([`X-Hub-Signature: ${sign(integration.secret, body)}`, ...lines], target)}`
}

const length = `Content-Length: ${body.length}`

async function countDeliveries(): Promise<number> {
  return (await receiver.db.selectFrom('delivery').select('id').execute()).length
}

test('a sound signed request over a raw socket is stored', async () => {
  const answer = await sendRaw(receiver.port, `${signed([length])}\r\n${body}`)

  expect(statusesOf(answer)).toEqual([202])
  expect(await countDeliveries()).toBe(1)
})

describe('raw requests', () => {
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  const cases: { name: string; send: () => string; statuses: number[]; stored?: number }[] = [
    {
      name: 'S9 length and transfer coding together: 400',
      send: () => `${signed([length, 'Transfer-Encoding: chunked'])}\r\n${chunked}`,
      statuses: [400],
    },
    {
      name: 'S9 two different lengths: 400',
      send: () => `${signed([length, 'Content-Length: 3'])}\r\n${body}`,
      statuses: [400],
    },
    {
      name: 'S9 chunked and then identity: 400',
      send: () => `${signed(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'])}\r\n${chunked}`,
      statuses: [400],
    },
    {
      name: 'S7 an unknown transfer coding: 400',
      send: () => `${signed(['Transfer-Encoding: xchunked'])}\r\n${chunked}`,
      statuses: [400],
    },
    {
      name: 'S7 a chunk extension of 20 KB: 413',
      send: () =>
        `${signed(['Transfer-Encoding: chunked'])}\r\n${body.length.toString(16)};${'x'.repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`,
      statuses: [413],
    },
    {
      name: 'S7 a chunk size that is none: 400',
      send: () => `${signed(['Transfer-Encoding: chunked'])}\r\nzz\r\n${body}\r\n0\r\n\r\n`,
      statuses: [400],
    },
    {
      name: 'S9 a bare line feed: 400',
      send: () => `${signed([length]).replaceAll('\r\n', '\n')}\n${body}`,
      statuses: [400],
    },
    {
      name: 'S9 a folded header: 400',
      send: () => `${signed([length, 'X-Folded: a\r\n b'])}\r\n${body}`,
      statuses: [400],
    },
    {
      name: 'S9 a blank before the colon: 400',
      send: () => `${signed([length, 'X-Blank : a'])}\r\n${body}`,
      statuses: [400],
    },
    {
      name: 'S6 two signatures: 401',
      send: () => `${signed([`X-Hub-Signature: ${sign(integration.secret, body)}`, length])}\r\n${body}`,
      statuses: [401],
    },
    {
      name: 'S1 two event keys: 400',
      send: () => `${signed(['X-Event-Key: pr:merged', length])}\r\n${body}`,
      statuses: [400],
    },
    {
      name: 'S1 two request ids: 400',
      send: () => `${signed(['X-Request-Id: a', 'X-Request-Id: b', length])}\r\n${body}`,
      statuses: [400],
    },
    {
      name: 'S8 the absolute form: 404',
      send: () => `${signed([length], `http://mooring.test${path}`)}\r\n${body}`,
      statuses: [404],
    },
    {
      name: 'S8 a path that climbs: 404',
      send: () => `${signed([length], '/webhooks/../api/v1/token')}\r\n${body}`,
      statuses: [404],
    },
    { name: 'S8 two slashes: 404', send: () => `${signed([length], `/${path}`)}\r\n${body}`, statuses: [404] },
    {
      name: 'S8 upper case: 404',
      send: () => `${signed([length], path.toUpperCase())}\r\n${body}`,
      statuses: [404],
    },
    {
      name: 'S8 an encoded letter: 404',
      send: () => `${signed([length], path.replace('w', '%77'))}\r\n${body}`,
      statuses: [404],
    },
    { name: 'S8 OPTIONS *: 405', send: () => `${head([], '*', 'OPTIONS')}\r\n`, statuses: [405] },
    { name: 'S8 CONNECT: 405', send: () => `${head([], 'mooring.test:443', 'CONNECT')}\r\n`, statuses: [405] },
    { name: 'S9 no host: 400', send: () => `POST ${path} HTTP/1.1\r\n${length}\r\n\r\n${body}`, statuses: [400] },
    { name: 'S9 two hosts: 421', send: () => `${signed(['Host: other.test', length])}\r\n${body}`, statuses: [421] },
    {
      name: 'S8 an upgrade: 400',
      send: () => `${signed(['Connection: Upgrade', 'Upgrade: websocket', length])}\r\n${body}`,
      statuses: [400],
    },
    {
      name: 'S10 a header of 17 KB: 431',
      send: () => `${signed([`X-Long: ${'x'.repeat(17 * 1_024)}`, length])}\r\n${body}`,
      statuses: [431],
    },
    {
      name: 'S10 101 headers: 431',
      send: () => `${signed([...fillers(101 - 4), length])}\r\n${body}`,
      statuses: [431],
    },
    {
      name: 'S10 100 headers: 202',
      send: () => `${signed([...fillers(100 - 4), length])}\r\n${body}`,
      statuses: [202],
      stored: 1,
    },
    {
      name: 'S10 2,000 headers: 431',
      send: () => `${signed([...Array.from({ length: 2_000 }, () => 'a:'), length])}\r\n${body}`,
      statuses: [431],
    },
    {
      name: 'S9 a pipelined second request is handled once, in order',
      send: () => `${signed(['X-Request-Id: 1', length])}\r\n${body}${signed(['X-Request-Id: 2', length])}\r\n${body}`,
      statuses: [202, 202],
      stored: 2,
    },
    {
      name: 'S9 a request hidden in the body of one that is too large never runs: 413',
      send: () => `${signed(['Content-Length: 6000000'])}\r\n${signed([length])}\r\n${body}`,
      statuses: [413],
    },
    {
      name: 'S9 a request hidden in the body of an unsigned one never runs: 401',
      send: () => {
        const hidden = `${signed([length])}\r\n${body}`
        return `${head([`Content-Length: ${hidden.length}`])}\r\n${hidden}`
      },
      statuses: [401],
    },
    { name: 'S9 a method that is none: 400', send: () => `PWN ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, statuses: [400] },
    { name: 'S9 what is no HTTP: 400', send: () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', statuses: [400] },
  ]

  function fillers(count: number): string[] {
    return Array.from({ length: count }, (_, index) => `X-Filler-${index}: x`)
  }

  test.for(cases)('$name', async ({ send, statuses, stored = 0 }) => {
    const before = receiver.passedOn.length

    const answer = await sendRaw(receiver.port, send())

    expect(statusesOf(answer)).toEqual(statuses)
    expect(await countDeliveries()).toBe(stored)
    if (statuses[0] !== 404) expect(receiver.passedOn).toHaveLength(before)
    else expect(receiver.passedOn).toHaveLength(before + 1)
  })

  test.for([
    { name: 'S9 an early 401 closes the connection', send: () => `${head([length])}\r\n${body}` },
    { name: 'S9 an early 413 closes the connection', send: () => `${signed(['Content-Length: 6000000'])}\r\n` },
    { name: 'S9 an early 404 closes the connection', send: () => `${signed([length], `${path}x`)}\r\n${body}` },
  ])('$name', async ({ send }) => {
    const answer = await sendRaw(receiver.port, send(), 5_000)

    expect(answer.toLowerCase()).toContain('\r\nconnection: close\r\n')
  })
})

test('S9 the sender of a long unsigned body sees the answer', async () => {
  for (let round = 0; round < 20; round += 1) {
    const answer = await sendWebhook(receiver.url, integration, Buffer.alloc(4_000_000), {
      'x-hub-signature': undefined,
    })
    expect(answer.status).toBe(401)
  }
})

test('S7 a body that is cut at any byte is no delivery', async () => {
  const long = `{"eventKey":"pr:opened","text":"${'x'.repeat(6_000)}"}`
  const request = Buffer.from(
    `${head([`X-Hub-Signature: ${sign(integration.secret, long)}`, `Content-Length: ${long.length}`])}\r\n${long}`,
  )
  const bodyStart = request.length - long.length

  for (let cut = bodyStart; cut < request.length; cut += 64) {
    const cuts = Array.from({ length: Math.min(64, request.length - cut) }, (_, index) => cut + index)
    await Promise.all(cuts.map((each) => sendRaw(receiver.port, request.subarray(0, each), 20)))
  }

  expect(await countDeliveries()).toBe(0)
  expect(statusesOf(await sendRaw(receiver.port, request))).toEqual([202])
})

test('S7 a chunked body that ends without its last chunk is no delivery', async () => {
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n`

  for (const sent of [chunk, `${chunk}0`, `${chunk}0\r\n`]) {
    await sendRaw(receiver.port, `${signed(['Transfer-Encoding: chunked'])}\r\n${sent}`, 50)
  }

  expect(await countDeliveries()).toBe(0)
})

describe('S8 the two that share the port', () => {
  const prefixes = ['/webhooks/bitbucket-datacenter/', '/webhooks/', '/api/v1/', '/', '//', 'http://a/', '']
  const pieces = fc.constantFrom(
    'acme',
    '..',
    '.',
    '/',
    '//',
    '%2e',
    '%77',
    '?',
    '#',
    'A',
    '\\',
    ';',
    ' ',
    '-',
    'webhooks',
  )
  const target = fc
    .tuple(
      fc.constantFrom(...prefixes),
      fc.array(pieces, { maxLength: 6 }),
      fc.string({ unit: 'binary', maxLength: 5 }),
    )
    .map(([prefix, middle, end]) => prefix + middle.join('') + end)

  test('S8 no address is taken by the listener and has a route below another path', () => {
    fc.assert(
      fc.property(target, (url) => {
        const isTaken = slugOf(url) !== undefined
        expect(
          isTaken &&
            routerPathOf(url).some((each) => !/^\/webhooks\/bitbucket-datacenter\/[a-z0-9-]{1,63}$/.test(each)),
        ).toBe(false)
      }),
      { numRuns: 5_000 },
    )
  })

  test('S8 what the listener takes is the prefix, a slug, and a query that it keeps out of the way', () => {
    expect(slugOf(path)).toBe('acme')
    expect(slugOf(`${path}?r=1`)).toBe('acme')
    expect(slugOf(`${path}?`)).toBe('acme')
    for (const tail of ['/', '#', '%20', ' ', '\t', '.', '..', '\0', 'A', 'ä', '/?r=1', '\u2028', ';a=b', '\n']) {
      expect(slugOf(path + tail), JSON.stringify(tail)).toBeUndefined()
    }
    expect(slugOf(`/webhooks/bitbucket-datacenter/${'a'.repeat(64)}`)).toBeUndefined()
    expect(slugOf('/webhooks/bitbucket-datacenter/')).toBeUndefined()
  })

  /** Every reading of a request target that a router could make: as it is, decoded, normalised, in lower case. */
  function routerPathOf(url: string): string[] {
    const plain = url.split(/[?#]/)[0] ?? ''
    const readings = [plain, plain.toLowerCase(), plain.replace(/\/+/g, '/')]
    try {
      readings.push(decodeURIComponent(plain))
    } catch {
      // a router cannot decode it either
    }
    if (URL.canParse(url, 'http://mooring.test')) readings.push(new URL(url, 'http://mooring.test').pathname)
    return readings
  }
})

describe('limits of time', () => {
  test('S10 a request that does not come to its end is closed: head, body, nothing at all', async () => {
    const [sqlite] = databases
    if (sqlite === undefined) throw new Error('no database')
    const limits = { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 100 }
    const slow = await startReceiver(await openTestDatabaseUrl(sqlite), { limits })
    onTestFinished(() => slow.stop())
    await insertIntegration(slow.db, 'acme')

    const started = performance.now()
    const answers = await Promise.all([
      sendRaw(slow.port, signed([length]), 10_000),
      sendRaw(slow.port, `${signed([length])}\r\n{`, 10_000),
      sendRaw(slow.port, '', 10_000),
      drip(slow.port),
    ])

    expect(answers.map((answer) => statusesOf(answer))).toEqual([[408], [408], [408], [408]])
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  test('S10 500 slow connections of four kinds do not keep signed deliveries out', { timeout: 60_000 }, async () => {
    const beginnings = ['', 'POST ', head([length]), `${signed([length])}\r\n{`]
    const slow = Array.from({ length: 500 }, () => connect(receiver.port, '127.0.0.1'))
    onTestFinished(() => {
      for (const socket of slow) socket.destroy()
    })
    await Promise.all(
      slow.map(async (socket, index) => {
        socket.on('error', () => undefined)
        await once(socket, 'connect')
        socket.write(beginnings[index % 4] ?? '')
      }),
    )
    const dripping = setInterval(() => {
      for (const [index, socket] of slow.entries()) if (index % 4 === 2) socket.write('X')
    }, 50)
    onTestFinished(() => clearInterval(dripping))

    const times: number[] = []
    const statuses = new Set<number>()
    for (let sent = 0; sent < 200; sent += 1) {
      const startedAt = performance.now()
      statuses.add((await sendWebhook(receiver.url, integration, body)).status)
      times.push(performance.now() - startedAt)
    }

    expect(statuses).toEqual(new Set([202]))
    expect(times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]).toBeLessThan(250)
  })

  test('S10 a connection is closed after its thousandth request', async () => {
    expect(receiver.server.maxRequestsPerSocket).toBe(1_000)
    expect(receiver.server.maxConnections).toBeGreaterThan(0)
    expect([receiver.server.headersTimeout, receiver.server.requestTimeout]).toEqual([10_000, 20_000])
  })
})

/** Sends one byte of a header every 50 ms until the server has had enough. */
async function drip(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  socket.on('error', () => undefined)
  socket.write('POST / HTTP/1.1\r\nX-Slow: ')
  const dripping = setInterval(() => socket.write('x'), 50)
  await once(socket, 'close')
  clearInterval(dripping)
  return answer
}
