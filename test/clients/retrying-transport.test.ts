import { describe, expect, test } from 'vitest'
import { type RetryOptions, retryingTransport } from '../../clients/retrying-transport.ts'
import { TransportError, type TransportErrorCode, type TransportResponse } from '../../clients/transport.ts'
import { createManualClock } from './manual-clock.ts'

const ok: TransportResponse = { status: 200, headers: {}, body: new Uint8Array() }
const answer = (status: number, headers: Record<string, string> = {}): TransportResponse => ({ ...ok, status, headers })
const failure = (code: TransportErrorCode, nothingSent: boolean) => new TransportError(code, { nothingSent })

/** Plays the outcomes one after the other; the last one stays. */
async function send(method: string, outcomes: (TransportResponse | Error)[], changes: Partial<RetryOptions> = {}) {
  const clock = createManualClock()
  let sent = 0
  const transport = retryingTransport(
    async () => {
      const outcome = outcomes[Math.min(sent++, outcomes.length - 1)] ?? ok
      if (outcome instanceof Error) throw outcome
      return outcome
    },
    {
      clock,
      random: () => 0.5,
      tries: 4,
      firstBackOffMs: 1_000,
      longestBackOffMs: 3_000,
      longestWaitMs: 60_000,
      ...changes,
    },
  )
  const sending = transport({ method, url: 'https://bb.example.com/', headers: {} }).catch((error: unknown) => error)
  await clock.advance(3_600_000)
  return { result: await sending, sent, sleeps: clock.sleeps }
}

describe('B24 waits', () => {
  test('B24 as long as Retry-After says, also before a POST: a 429 did nothing', async () => {
    expect(await send('POST', [answer(429, { 'retry-after': '7' }), ok])).toEqual({
      result: ok,
      sent: 2,
      sleeps: [7_000],
    })
  })

  test('B24 with full jitter over an exponential back-off up to a bound', async () => {
    const { sleeps } = await send('GET', [answer(503)])
    expect(sleeps).toEqual([500, 1_000, 1_500])

    const least = await send('GET', [answer(503)], { random: () => 0 })
    expect(least.sleeps).toEqual([0, 0, 0])
  })

  test('B24 not at all where Retry-After is longer than the caller waits', async () => {
    const limited = answer(429, { 'retry-after': '61' })

    expect(await send('GET', [limited])).toEqual({ result: limited, sent: 1, sleeps: [] })
  })
})

describe('B24 repeats what is worth it', () => {
  const connect: TransportErrorCode[] = ['dns', 'refused', 'timeout', 'reset']

  test.for([
    ...[429, 502, 503, 504].map((status) => ({
      name: `${status} to GET`,
      method: 'GET',
      outcome: answer(status),
      sent: 4,
    })),
    ...['HEAD', 'PUT', 'DELETE'].map((method) => ({ name: `503 to ${method}`, method, outcome: answer(503), sent: 4 })),
    ...connect.map((code) => ({ name: `${code} of GET`, method: 'GET', outcome: failure(code, false), sent: 4 })),
    ...connect.map((code) => ({
      name: `${code} of POST, nothing sent`,
      method: 'POST',
      outcome: failure(code, true),
      sent: 4,
    })),
    { name: '429 to POST', method: 'POST', outcome: answer(429), sent: 4 },
    ...[200, 204, 307, 400, 401, 403, 404, 409, 423, 500, 501].map((status) => ({
      name: `not ${status}`,
      method: 'GET',
      outcome: answer(status),
      sent: 1,
    })),
    ...[502, 503, 504].map((status) => ({
      name: `not ${status} to POST`,
      method: 'POST',
      outcome: answer(status),
      sent: 1,
    })),
    ...['timeout', 'reset'].map((code) => ({
      name: `not ${code} of POST that may have arrived`,
      method: 'POST',
      outcome: failure(code as TransportErrorCode, false),
      sent: 1,
    })),
    ...(['tls', 'blocked', 'too_large'] as const).map((code) => ({
      name: `not ${code}`,
      method: 'GET',
      outcome: failure(code, true),
      sent: 1,
    })),
    { name: 'not a mistake of our own', method: 'GET', outcome: new TypeError('x is not a function'), sent: 1 },
  ])('B24 $name', async ({ method, outcome, sent }) => {
    const outcomeOfAll = await send(method, [outcome])

    expect(outcomeOfAll.sent).toBe(sent)
    expect(outcomeOfAll.result).toBe(outcome)
  })

  test('B24 ends with the first success', async () => {
    expect(await send('GET', [failure('reset', false), answer(502), ok])).toMatchObject({ result: ok, sent: 3 })
  })

  test('B24 tries once where one try is allowed', async () => {
    expect(await send('GET', [answer(503)], { tries: 1 })).toMatchObject({ sent: 1, sleeps: [] })
  })

  test('gives up waiting when the caller does', async () => {
    const clock = createManualClock()
    const controller = new AbortController()
    const reason = new Error('enough')
    const transport = retryingTransport(async () => answer(503), {
      clock,
      random: () => 0.5,
      tries: 9,
      firstBackOffMs: 1_000,
      longestBackOffMs: 1_000,
      longestWaitMs: 9_000,
    })
    const sending = transport({ method: 'GET', url: 'https://bb.example.com/', headers: {}, signal: controller.signal })
    const outcome = expect(sending).rejects.toBe(reason)
    await clock.advance(100)

    controller.abort(reason)

    await outcome
  })
})
