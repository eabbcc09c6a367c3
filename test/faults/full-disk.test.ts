import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createRootToken } from '../../scripts/faults/root-token.ts'
import { startServerChild } from '../../scripts/faults/server-child.ts'
import { openDatabase } from '../../server/store/dialect/open-database.ts'
import { migrate } from '../../server/store/migrate.ts'
import { recordLeftOut } from '../support/left-out.ts'
import { findProgram } from '../support/programs.ts'
import { insertIntegration, type SentDelivery, sendWebhook } from '../support/receiver.ts'

const suite = 'a server whose disk is full'
const mib = 1024 * 1024

/** A user may have a file system of his own, in a namespace, where the system allows it. */
const mayMount = spawnSync(findProgram('unshare') ?? 'unshare', ['-rm', 'true']).status === 0
if (!mayMount) recordLeftOut(suite, ['unshare'])

describe.skipIf(!mayMount)(suite, () => {
  test.for([
    {
      name: 'F6 R40 with a reserve refuses deliveries, reads on, says so, and takes them again with space',
      lowWater: 2,
    },
    { name: 'F6 without a reserve the same', lowWater: 0 },
  ])('$name', { timeout: 60_000 }, async ({ lowWater }) => {
    const { server, integration, inside, copy } = await startOnSmallDisk(48, lowWater)
    const token = await createRootToken(server.port)
    const ballast = join(inside, 'ballast')
    writeFileSync(ballast, Buffer.alloc(24 * mib, 1))
    const acknowledged: string[] = []
    const send = async () => {
      const number = acknowledged.length
      const answer = await sendWebhook(server.url, integration, JSON.stringify({ number, text: 'x'.repeat(200_000) }))
      if (answer.status === 202) acknowledged.push((JSON.parse(answer.text) as { id: string }).id)
      return answer
    }
    const api = (method: string, path: string, body?: object) =>
      fetch(`${server.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })

    let answer: SentDelivery = await send()
    while (answer.status === 202 && acknowledged.length < 500) answer = await send()
    const whenFull = acknowledged.length
    const refused = [answer, ...(await Promise.all(Array.from({ length: 20 }, send)))]
    const ready = await api('GET', '/readyz')
    const reason = ((await ready.json()) as { reason: string }).reason
    const reads = await Promise.all(
      ['/healthz', '/api/v1/spaces', '/api/v1/integrations'].map((path) => api('GET', path)),
    )
    const write = await api('POST', '/api/v1/api-keys', { name: 'too large for this disk', role: 'reader' })

    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 503))
    expect(refused.filter(({ headers }) => headers.get('retry-after') === null)).toEqual([])
    expect(acknowledged.length).toBe(whenFull)
    expect(ready.status).toBe(503)
    expect(reason).toContain('disk')
    expect(reads.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(write.status).toBe(503)

    rmSync(ballast)
    const freedAt = performance.now()
    await vi.waitUntil(async () => (await api('GET', '/readyz')).status === 200, { timeout: 20_000, interval: 200 })
    await vi.waitUntil(async () => (await send()).status === 202, { timeout: 20_000, interval: 200 })
    const recoveryMs = performance.now() - freedAt
    expect((await api('POST', '/api/v1/api-keys', { name: 'fits again', role: 'reader' })).status).toBe(201)

    expect(recoveryMs).toBeLessThan(15_000)
    expect(server.child.exitCode).toBeNull()
    const db = openDatabase(copy())
    try {
      const rows = await db.selectFrom('delivery').select('id').execute()
      const stored = new Set(rows.map(({ id }) => id))
      expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
      expect(stored.size).toBe(acknowledged.length)
      const keys = await db.selectFrom('api_key').select('name').where('name', 'like', 'too%').execute()
      expect(keys).toEqual([])
    } finally {
      await db.destroy()
    }
  })
})

/** Starts a server whose database lies on a file system of so many MiB; its files are seen from here as `inside`. */
async function startOnSmallDisk(sizeMib: number, lowWaterMib: number) {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-small-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const seed = join(folder, 'seed.db')
  const small = join(folder, 'small')
  mkdirSync(small)
  const db = openDatabase(`sqlite:${seed}`)
  await migrate(db, Date.now())
  const integration = await insertIntegration(db, 'acme')
  await db.destroy()
  const mount = `mount -t tmpfs -o size=${sizeMib}m tmpfs "$1" && cp "$0" "$1/mooring.db" && shift && exec "$@"`
  const server = await startServerChild(`sqlite:${join(small, 'mooring.db')}`, [
    ...['unshare', '-rm', 'sh', '-c', mount, seed, small],
    ...['env', `MOORING_DISK_LOW_WATER_MIB=${lowWaterMib}`],
  ])
  onTestFinished(async () => {
    await server.end('SIGKILL')
  })
  const inside = `/proc/${server.child.pid}/root${small}`
  /** SQLite would follow the link in that path back out of the namespace: it opens a copy. */
  const copy = () => {
    for (const end of ['', '-wal']) copyFileSync(join(inside, `mooring.db${end}`), join(folder, `copy.db${end}`))
    return `sqlite:${join(folder, 'copy.db')}`
  }
  return { server, integration, inside, copy }
}
