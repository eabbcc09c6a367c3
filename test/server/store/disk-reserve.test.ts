import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { createDiskReserve, type DiskState } from '../../../server/store/dialect/disk-reserve.ts'
import { insertIntegration, sendWebhook, testSealingKey } from '../../support/receiver.ts'
import { openTestServer } from '../../support/server.ts'
import { mayMount, mountTmpfs } from '../../support/small-disk.ts'

const mib = 1024 * 1024
const full = new SqliteDatabase.SqliteError('database or disk is full', 'SQLITE_FULL')

/** A reserve whose disk is as full as the test says. */
function openScene(lowWaterMib: number, url?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-reserve-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const databaseUrl = url ?? `sqlite:${join(folder, 'mooring.db')}`
  const space = { onDisk: 40 * mib, inFile: 0 }
  const states: DiskState[] = []
  let now = 0
  const reserve = createDiskReserve({
    databaseUrl,
    lowWaterBytes: lowWaterMib * mib,
    measure: async () => (databaseUrl.startsWith('sqlite') ? space : undefined),
    now: () => now,
    onChange: (state) => states.push(state),
  })
  return { reserve, space, states, file: join(folder, 'mooring.db.reserve'), pass: (ms: number) => (now += ms) }
}

async function gone(file: string): Promise<void> {
  while (existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('F6 a reserve of a quarter of the space lies beside the database, its owner’s alone, and really written', async () => {
  const { reserve, file } = openScene(8)

  await reserve.look()

  expect(reserve.state).toBe('enough')
  expect(statSync(file).size).toBe(10 * mib)
  expect(statSync(file).blocks * 512).toBeGreaterThanOrEqual(10 * mib)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('F6 a write that the disk refuses gives the reserve up, and the state lasts until there is twice as much', async () => {
  const { reserve, space, states, file } = openScene(8)
  await reserve.look()

  reserve.noticed(new Error('something else'))
  expect(reserve.state).toBe('enough')
  reserve.noticed(full)
  await gone(file)
  space.onDisk = 10 * mib // what the reserve gave back is no reason to go on
  await reserve.look()
  expect(reserve.state).toBe('full')

  space.onDisk = 6 * mib
  space.inFile = 14 * mib // what retention has deleted is room as well
  await reserve.look()

  expect(states).toEqual(['full', 'enough'])
  expect(existsSync(file), 'and the reserve is there for the next time').toBe(true)
})

test('F6 under the low-water mark the state is low, and back again above it', async () => {
  const { reserve, space, states } = openScene(30)
  await reserve.look()

  space.onDisk = 20 * mib
  await reserve.look()
  space.onDisk = 31 * mib
  await reserve.look()
  space.onDisk = mib / 2
  await reserve.look()

  expect(states).toEqual(['low', 'enough', 'full'])
})

test('F6 of PostgreSQL’s disk its refusals alone are known: full for a while after the last one', async () => {
  const { reserve, states, pass } = openScene(8, 'postgres://u@h/d')
  await reserve.look()

  reserve.noticed(Object.assign(new Error('could not extend file'), { code: 'ENOSPC' }))
  pass(10_000)
  await reserve.look()
  expect(reserve.state).toBe('full')
  pass(10_000)
  await reserve.look()

  expect(states).toEqual(['full', 'enough'])
})

test.skipIf(!mayMount)(
  'F6 on a disk that fills up deliveries are refused with 503, reads go on, and all of it ends when there is space',
  async () => {
    const place = mountTmpfs('size=48m')
    const filler = join(place, 'filler')
    const server = await openTestServer(`sqlite:${join(place, 'mooring.db')}`, {
      encryptionKey: testSealingKey,
      diskLowWaterMib: 4,
    })
    onTestFinished(() => server.close())
    const integration = await insertIntegration(server.db, 'main')
    const body = JSON.stringify({ padding: 'x'.repeat(400_000) })
    const stored: string[] = []
    const deliver = async () => {
      const answer = await sendWebhook(server.url, integration, body)
      if (answer.status === 202) stored.push((JSON.parse(answer.text) as { id: string }).id)
      return answer
    }
    expect((await deliver()).status).toBe(202)
    expect(existsSync(join(place, 'mooring.db.reserve'))).toBe(true)

    expect(() => writeFileSync(filler, Buffer.alloc(64 * mib))).toThrow('ENOSPC')
    let refused = await deliver()
    for (let n = 0; n < 100 && refused.status === 202; n += 1) refused = await deliver()
    const later = await Promise.all(Array.from({ length: 5 }, () => deliver()))
    const ready = await fetch(`${server.url}/readyz`)
    const read = await server.root.call('listIntegrations', { query: {} })
    const written = await server.request('POST', '/api/v1/spaces', { body: { name: 'Team' } })

    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(later.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503])
    expect(await ready.json()).toMatchObject({ status: 'not ready', reason: expect.stringContaining('disk') })
    expect(ready.status).toBe(503)
    expect(read.items).toHaveLength(1)
    expect({ status: written.status, code: ((await written.json()) as { code: string }).code }).toEqual({
      status: 503,
      code: 'disk_space_low',
    })
    expect(existsSync(join(place, 'mooring.db.reserve')), 'given up, for what makes room').toBe(false)

    rmSync(filler)
    let again = await deliver()
    while (again.status !== 202) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      again = await deliver()
    }

    const rows = await server.db.selectFrom('delivery').select('id').execute()
    expect(new Set(rows.map(({ id }) => id)), 'what was answered 202, and nothing else').toEqual(new Set(stored))
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    expect(existsSync(join(place, 'mooring.db.reserve'))).toBe(true)
  },
)
