import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { HttpLimits } from '../../../server/http/http-limits.ts'
import { databases } from '../../support/databases.ts'
import { needs, sharedPath } from '../../support/left-out.ts'
import {
  insertIntegration,
  insertSecret,
  sendWebhook,
  sign,
  startReceiver,
  type TestIntegration,
  type TestReceiver,
} from '../../support/receiver.ts'
import { openTestDatabaseUrl } from '../../support/server-database.ts'

const body = JSON.stringify({ eventKey: 'repo:refs_changed', changes: [] })

for (const database of databases) {
  describe(database.name, () => {
    let receiver: TestReceiver
    let integration: TestIntegration

    beforeEach(async () => {
      receiver = await startReceiver(await openTestDatabaseUrl(database))
      integration = await insertIntegration(receiver.db, 'acme')
      return () => receiver.stop()
    })

    test('R34 a valid event is stored whole before it is answered 202 with its id', async () => {
      const before = Date.now()

      const answer = await sendWebhook(receiver.url, integration, body, { 'x-request-id': 'request-1' })

      expect(answer.status).toBe(202)
      const { id, ...rest } = JSON.parse(answer.text)
      expect(rest).toEqual({})
      const stored = await receiver.db.selectFrom('delivery').selectAll().executeTakeFirstOrThrow()
      expect({ ...stored, body: Buffer.from(stored.body).toString() }).toMatchObject({
        id,
        integration_id: integration.id,
        request_id: 'request-1',
        event_key: 'repo:refs_changed',
        size: body.length,
        secret_version: 1,
        body_digest: sign(integration.secret, body).slice('sha256='.length),
        state: 'queued',
        attempts: 0,
        verdict: null,
        body,
      })
      expect(stored.received_at).toBeGreaterThanOrEqual(before)
    })

    test('R34 the processing is woken when a delivery is stored', async () => {
      let woken = 0
      receiver.wake.onWake('deliveryStored', () => {
        woken += 1
      })

      await sendWebhook(receiver.url, integration, body)

      expect(woken).toBe(1)
    })

    test('R30 an unknown integration is answered 404', async () => {
      const answer = await sendWebhook(receiver.url, { slug: 'nobody', secret: 'x' }, body)

      expect(answer.status).toBe(404)
      expect(await deliveries(receiver)).toEqual([])
    })

    test('R30 an integration that is created is known at once, and one that is deleted soon after', async () => {
      expect((await sendWebhook(receiver.url, { slug: 'later', secret: 'x' }, body)).status).toBe(404)
      const later = await insertIntegration(receiver.db, 'later')
      expect((await sendWebhook(receiver.url, later, body)).status).toBe(202)

      await receiver.db.deleteFrom('integration').where('id', '=', later.id).execute()
      receiver.secrets.invalidate('later')

      expect((await sendWebhook(receiver.url, later, body)).status).toBe(404)
    })

    test.for(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
      'R30 %s is answered 405 and names POST',
      async (method) => {
        const answer = await fetch(`${receiver.url}/webhooks/bitbucket-datacenter/acme`, { method })

        expect(answer.status).toBe(405)
        expect(answer.headers.get('allow')).toBe('POST')
      },
    )

    test.for([
      { name: 'R31 R43 no signature is answered 401 unsigned', signature: undefined, reason: 'unsigned' },
      { name: 'R31 R43 an empty signature is answered 401 unsigned', signature: '', reason: 'unsigned' },
      { name: 'R31 R43 a wrong signature is answered 401', signature: sign('wrong', body), reason: 'wrong_secret' },
      { name: 'R31 another algorithm is answered 401', signature: `sha1=${'0'.repeat(40)}`, reason: 'wrong_secret' },
    ])('$name', async ({ signature, reason }) => {
      const answer = await sendWebhook(receiver.url, integration, body, { 'x-hub-signature': signature })

      expect(answer.status).toBe(401)
      expect(receiver.observations.listRejections(integration.id)).toMatchObject([{ reason, length: body.length }])
      expect(await deliveries(receiver)).toEqual([])
    })

    test('R31 a signature in upper case is accepted', async () => {
      const signature = sign(integration.secret, body).slice('sha256='.length).toUpperCase()

      const answer = await sendWebhook(receiver.url, integration, body, { 'x-hub-signature': `sha256=${signature}` })

      expect(answer.status).toBe(202)
    })

    test('R31 R44 of a refused request the kept headers stay in memory, of the last hundred, and nothing else', async () => {
      for (let sent = 0; sent < 103; sent += 1) {
        await sendWebhook(receiver.url, integration, 'a body that nobody keeps', {
          'x-request-id': `request-${sent}`,
          'x-hub-signature': sign('wrong', body),
          authorization: 'Bearer of-nobody',
          cookie: 'a=b',
        })
      }

      const rejections = receiver.observations.listRejections(integration.id)
      expect(rejections).toHaveLength(100)
      expect(rejections[0]?.headers['x-request-id']).toBe('request-3')
      expect(Object.keys(rejections[0]?.headers ?? {}).sort()).toEqual([
        'content-length',
        'content-type',
        'user-agent',
        'x-event-key',
        'x-request-id',
      ])
      expect(JSON.stringify(rejections)).not.toContain('nobody')
    })

    test('R44 of the headers only five are stored', async () => {
      await sendWebhook(receiver.url, integration, body, { authorization: 'Bearer x', 'x-other': 'y' })

      const { headers } = await receiver.db.selectFrom('delivery').select('headers').executeTakeFirstOrThrow()
      expect(Object.keys(JSON.parse(headers)).sort()).toEqual([
        'content-length',
        'content-type',
        'user-agent',
        'x-event-key',
        'x-request-id',
      ])
    })

    test('R32 an unsigned ping is answered 200 and makes no delivery', async () => {
      const ping = '{"test":true}'

      const answer = await sendWebhook(receiver.url, integration, ping, {
        'x-event-key': 'diagnostics:ping',
        'x-hub-signature': undefined,
      })

      expect(answer.status).toBe(200)
      expect(receiver.observations.findLastPing(integration.id)).toMatchObject({ signed: false, address: '127.0.0.1' })
      expect(await deliveries(receiver)).toEqual([])
    })

    test('R32 a ping that is signed is answered 200, and 401 when the signature is wrong', async () => {
      const ping = { 'x-event-key': 'diagnostics:ping' }

      const right = await sendWebhook(receiver.url, integration, '{}', ping)
      const wrong = await sendWebhook(receiver.url, integration, '{}', { ...ping, 'x-hub-signature': sign('x', '{}') })

      expect([right.status, wrong.status]).toEqual([200, 401])
      expect(receiver.observations.findLastPing(integration.id)).toMatchObject({ signed: true })
      expect(await deliveries(receiver)).toEqual([])
    })

    test('R33 the signature covers the bytes as they were sent', async () => {
      const bytes = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{ "a" :\r\n1, "ü": "\u2028" }\n')])

      const answer = await sendWebhook(receiver.url, integration, bytes)

      expect(answer.status).toBe(202)
      const stored = await receiver.db.selectFrom('delivery').select('body').executeTakeFirstOrThrow()
      expect(Buffer.from(stored.body).equals(bytes)).toBe(true)
    })

    test('R33 a rightly signed body is stored whatever it contains', async () => {
      const bodies = ['', 'no JSON', '\0\0', '{"eventKey":', Buffer.from([0xff, 0xfe, 0x80])]

      for (const each of bodies) {
        expect((await sendWebhook(receiver.url, integration, each)).status).toBe(202)
      }

      const stored = await receiver.db.selectFrom('delivery').select('body').orderBy('id').execute()
      expect(stored.map((each) => Buffer.from(each.body))).toEqual(bodies.map((each) => Buffer.from(each)))
    })

    test('R33 five MiB are accepted, and one byte more is answered 413', async () => {
      const largest = Buffer.alloc(5 * 1_024 * 1_024, 'x')

      const accepted = await sendWebhook(receiver.url, integration, largest)
      const refused = await sendWebhook(receiver.url, integration, Buffer.concat([largest, Buffer.from('x')]))

      expect([accepted.status, refused.status]).toEqual([202, 413])
      expect(await deliveries(receiver)).toHaveLength(1)
    })

    test('R35 the same request id with the same body is answered 200 and counted on the first', async () => {
      const headers = { 'x-request-id': 'twice' }
      const first = await sendWebhook(receiver.url, integration, body, headers)

      const again = await sendWebhook(receiver.url, integration, body, headers)

      expect(again.status).toBe(200)
      expect(JSON.parse(again.text)).toEqual({ id: JSON.parse(first.text).id, duplicate: true })
      expect(await deliveries(receiver)).toHaveLength(1)
      expect(await receiver.db.selectFrom('delivery_key').select('duplicates').execute()).toEqual([{ duplicates: 1 }])
    })

    test('R35 a known request id with another body is a new delivery', async () => {
      const headers = { 'x-request-id': 'twice' }
      await sendWebhook(receiver.url, integration, body, headers)

      const other = await sendWebhook(receiver.url, integration, `${body} `, headers)

      expect(other.status).toBe(202)
      expect(await deliveries(receiver)).toHaveLength(2)
    })

    test('R35 the same delivery to two integrations is two', async () => {
      const other = await insertIntegration(receiver.db, 'other', { secret: integration.secret })
      const headers = { 'x-request-id': 'twice' }

      const statuses = [
        (await sendWebhook(receiver.url, integration, body, headers)).status,
        (await sendWebhook(receiver.url, other, body, headers)).status,
      ]

      expect(statuses).toEqual([202, 202])
    })

    test('R35 without a request id each is a delivery of its own', async () => {
      const headers = { 'x-request-id': undefined }

      const statuses = [
        (await sendWebhook(receiver.url, integration, body, headers)).status,
        (await sendWebhook(receiver.url, integration, body, headers)).status,
      ]

      expect(statuses).toEqual([202, 202])
      expect(await deliveries(receiver)).toHaveLength(2)
    })

    test('R35 a request id is remembered only after a good signature', async () => {
      const headers = { 'x-request-id': 'burnt' }
      await sendWebhook(receiver.url, integration, body, { ...headers, 'x-hub-signature': sign('wrong', body) })

      const answer = await sendWebhook(receiver.url, integration, body, headers)

      expect(answer.status).toBe(202)
    })

    test('R36 every version that is still valid is accepted, and recorded', async () => {
      const soon = Date.now() + 60_000
      await receiver.db.updateTable('webhook_secret').set({ valid_until: soon }).execute()
      await insertSecret(receiver.db, integration.id, 2, 'the second secret', soon)
      await insertSecret(receiver.db, integration.id, 3, 'the third secret', null)
      receiver.secrets.invalidate('acme')

      for (const secret of [integration.secret, 'the second secret', 'the third secret']) {
        expect((await sendWebhook(receiver.url, { slug: 'acme', secret }, body)).status).toBe(202)
      }

      const versions = await receiver.db.selectFrom('delivery').select('secret_version').orderBy('id').execute()
      expect(versions.map((each) => each.secret_version)).toEqual([1, 2, 3])
    })

    test('R36 R43 a version whose time is over is answered 401 and called retired', async () => {
      await receiver.db
        .updateTable('webhook_secret')
        .set({ valid_until: Date.now() - 1 })
        .execute()
      await insertSecret(receiver.db, integration.id, 2, 'the second secret', null)
      receiver.secrets.invalidate('acme')

      const answer = await sendWebhook(receiver.url, integration, body)

      expect(answer.status).toBe(401)
      expect(receiver.observations.listRejections(integration.id)).toMatchObject([{ reason: 'retired_secret' }])
    })

    test('S11 a body with a content encoding is answered 415', async () => {
      const answer = await sendWebhook(receiver.url, integration, body, { 'content-encoding': 'gzip' })

      expect(answer.status).toBe(415)
      expect(await deliveries(receiver)).toEqual([])
    })

    test('S12 refused requests and pings write no row', async () => {
      const before = await countRows(receiver)

      for (let sent = 0; sent < 30; sent += 1) {
        await sendWebhook(receiver.url, integration, body, { 'x-hub-signature': undefined })
        await sendWebhook(receiver.url, { slug: `unknown-${sent}`, secret: 'x' }, body)
        await sendWebhook(receiver.url, integration, '{}', {
          'x-hub-signature': undefined,
          'x-event-key': 'diagnostics:ping',
        })
      }

      expect(await countRows(receiver)).toEqual(before)
    })

    test('R39 S13 strangers are slowed with 429 while signed deliveries from the same address are taken', async () => {
      const unsigned = () => sendWebhook(receiver.url, integration, body, { 'x-hub-signature': undefined })
      const unknown = () => sendWebhook(receiver.url, { slug: 'nobody', secret: 'x' }, body)

      const strangers = []
      for (let sent = 0; sent < 100; sent += 1) strangers.push(await (sent % 2 === 0 ? unsigned() : unknown()))
      const beyond = await Promise.all(
        Array.from({ length: 30 }, (_, sent) => (sent % 2 === 0 ? unsigned() : unknown())),
      )
      const honest = await Promise.all(Array.from({ length: 50 }, () => sendWebhook(receiver.url, integration, body)))

      expect(new Set(strangers.map(({ status }) => status))).toEqual(new Set([401, 404]))
      expect(beyond.some(({ status }) => status === 429)).toBe(true)
      expect(new Set(honest.map(({ status }) => status))).toEqual(new Set([202]))
    })

    test('counts what became of the requests', async () => {
      await sendWebhook(receiver.url, integration, body, { 'x-request-id': 'twice' })
      await sendWebhook(receiver.url, integration, body, { 'x-request-id': 'twice' })
      await sendWebhook(receiver.url, integration, body, { 'x-hub-signature': undefined })

      const metrics = await receiver.registry.metrics()

      expect(metrics).toContain('mooring_webhook_requests_total{outcome="stored"} 1')
      expect(metrics).toContain('mooring_webhook_requests_total{outcome="duplicate"} 1')
      expect(metrics).toContain('mooring_webhook_requests_total{outcome="unsigned"} 1')
      expect(metrics).toContain('mooring_webhook_rejected_total{reason="unsigned"} 1')
    })
  })
}

test('R45 a query in the address is accepted and changes nothing', async () => {
  const receiver = await startReceiverForTest({})
  const integration = await insertIntegration(receiver.db, 'acme')

  const answer = await sendWebhook(receiver.url, { ...integration, slug: 'acme?r=17&p=x/../y' }, body)

  expect(answer.status).toBe(202)
})

test('S10 bodies beyond what may be held are answered 503', async () => {
  const receiver = await startReceiverForTest({ heldBodyBytes: 1_000 })
  const integration = await insertIntegration(receiver.db, 'acme')

  const answer = await sendWebhook(receiver.url, integration, 'x'.repeat(1_001))

  expect(answer.status).toBe(503)
  expect(answer.headers.get('retry-after')).toBe('5')
  expect((await sendWebhook(receiver.url, integration, 'x'.repeat(1_000))).status).toBe(202)
})

test('R35 two processes that receive the same delivery at once store it once', async () => {
  for (const database of databases.filter(({ name }) => name === 'postgres')) {
    const url = await openTestDatabaseUrl(database)
    const receivers = [await startReceiver(url), await startReceiver(url)]
    onTestFinished(async () => {
      for (const receiver of receivers) await receiver.stop()
    })
    const [one] = receivers
    if (one === undefined) throw new Error('no receiver')
    const integration = await insertIntegration(one.db, 'acme')
    const ids = Array.from({ length: 20 }, (_, index) => `request-${index}`)

    const sent = await Promise.all(
      [...ids, ...ids.toReversed()].flatMap((id) =>
        receivers.map((receiver) => sendWebhook(receiver.url, integration, body, { 'x-request-id': id })),
      ),
    )

    expect(sent.filter(({ status }) => status === 202)).toHaveLength(20)
    expect(sent.filter(({ status }) => status === 200)).toHaveLength(60)
    const keys = await one.db.selectFrom('delivery_key').select('duplicates').execute()
    expect(keys.map(({ duplicates }) => duplicates)).toEqual(ids.map(() => 3))
    expect(await deliveries(one)).toHaveLength(20)
  }
})

needs('shared')('signatures of other projects’ tests', () => {
  test('R31 each known signature is accepted, and its counterpart refused', async () => {
    const receiver = await startReceiverForTest({})
    const cases: { file: string; secret: string; 'X-Hub-Signature': string; negative?: string }[] = JSON.parse(
      readFileSync(sharedPath('reference', 'golden', 'signatures.json'), 'utf8'),
    )

    for (const [index, each] of cases.entries()) {
      const integration = await insertIntegration(receiver.db, `case-${index}`, { secret: each.secret })
      const bytes = readFileSync(sharedPath('reference', 'golden', each.file))
      const right = await sendWebhook(receiver.url, integration, bytes, { 'x-hub-signature': each['X-Hub-Signature'] })
      expect(right.status, each.file).toBe(202)
      if (each.negative === undefined) continue
      const wrong = await sendWebhook(receiver.url, integration, bytes, { 'x-hub-signature': each.negative })
      expect(wrong.status, each.file).toBe(401)
    }
  })
})

async function startReceiverForTest(limits: Partial<HttpLimits>): Promise<TestReceiver> {
  const [sqlite] = databases
  if (sqlite === undefined) throw new Error('no database')
  const receiver = await startReceiver(await openTestDatabaseUrl(sqlite), { limits })
  onTestFinished(() => receiver.stop())
  return receiver
}

async function deliveries(receiver: TestReceiver): Promise<{ id: string }[]> {
  return receiver.db.selectFrom('delivery').select('id').execute()
}

async function countRows(receiver: TestReceiver): Promise<number[]> {
  const counts = []
  for (const table of ['delivery', 'delivery_key', 'body_key', 'setting', 'audit', 'integration'] as const) {
    const { rows } = await receiver.db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow()
    counts.push(rows)
  }
  return counts
}
