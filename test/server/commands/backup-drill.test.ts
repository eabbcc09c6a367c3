import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { databases } from '../../support/databases.ts'
import { insertIntegration, sendWebhook, type TestIntegration, testSealingKey } from '../../support/receiver.ts'
import { runServerCommand } from '../../support/server-command.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'
import { startServerProcess } from '../../support/server-process.ts'

interface Sent {
  readonly id: string
  readonly sentAt: number
  readonly answeredAt: number
}

/** Sends signed deliveries, eight at a time, as fast as they are answered. */
function flood(url: string, integration: TestIntegration) {
  const sent: Sent[] = []
  const refused: number[] = []
  let isOver = false
  const sender = async (name: number) => {
    for (let n = 0; !isOver; n += 1) {
      const sentAt = performance.now()
      const body = JSON.stringify({ eventKey: 'repo:refs_changed', name, n, padding: 'x'.repeat(6_000) })
      const { status, text } = await sendWebhook(url, integration, body)
      if (status === 202) sent.push({ id: (JSON.parse(text) as Sent).id, sentAt, answeredAt: performance.now() })
      else refused.push(status)
    }
  }
  const senders = Promise.all(Array.from({ length: 8 }, (_, name) => sender(name)))
  return {
    sent,
    refused,
    stop: async () => {
      isOver = true
      await senders
    },
  }
}

for (const database of databases) {
  test(`F24 R210a on ${database.name} a backup at full load restores to one moment in time`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mooring-drill-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'today.backup')
    const url = await openTestDatabaseUrl(database)
    const db = connectTestDatabase(url)
    const integration = await insertIntegration(db, 'main')
    const key = Buffer.from(testSealingKey).toString('base64')
    const env = { MOORING_DATABASE_URL: url, MOORING_ENCRYPTION_KEY: key, MOORING_STATE_DIR: folder }
    const server = startServerProcess({ ...env }, folder)
    const load = flood(await server.listening(), integration)
    await until(() => load.sent.length > 300)

    const before = load.sent.length
    const backup = await runServerCommand(['backup', file], env)
    const during = load.sent.length - before
    await until(() => load.sent.length > before + during + 50)
    await load.stop()
    server.child.kill('SIGTERM')
    await server.ended()

    expect(backup).toMatchObject({ code: 0, stderr: '' })
    expect(backup.stdout).toMatch(/sealing key is NOT in it/)
    expect(backup.stdout).toMatch(/RPO: .*\n.*RTO: /)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const bytes = readFileSync(file)
    for (const form of [Buffer.from(testSealingKey), Buffer.from(key), Buffer.from(testSealingKey).toString('hex')]) {
      expect(bytes.includes(form)).toBe(false)
    }
    expect(load.refused, 'the server serves meanwhile').toEqual([])
    expect(during, 'and stores meanwhile').toBeGreaterThan(0)

    const target = database.name === 'sqlite' ? `sqlite:${join(folder, 'restored.db')}` : await database.open()
    const restore = await runServerCommand(['restore', file], { ...env, MOORING_DATABASE_URL: target })

    expect(restore).toMatchObject({ code: 0, stderr: '' })
    const restored = connectTestDatabase(target)
    const ids = new Set((await restored.selectFrom('delivery').select('id').execute()).map(({ id }) => id))
    const inside = load.sent.filter(({ id }) => ids.has(id))
    const outside = load.sent.filter(({ id }) => !ids.has(id))
    expect(inside.length).toBeGreaterThanOrEqual(before)
    expect(outside.length).toBeGreaterThan(0)
    // One moment: nothing that was answered before something in the backup was even sent is missing from it.
    const lastSent = Math.max(...inside.map(({ sentAt }) => sentAt))
    expect(outside.filter(({ answeredAt }) => answeredAt < lastSent)).toEqual([])
    const keys = await restored.selectFrom('delivery_key').select('delivery_id').execute()
    expect(new Set(keys.map(({ delivery_id }) => delivery_id))).toEqual(ids)
    const all = new Set((await db.selectFrom('delivery').select('id').execute()).map(({ id }) => id))
    expect(
      load.sent.filter(({ id }) => !all.has(id)),
      'the original has lost nothing',
    ).toEqual([])
    expect(existsSync(`${file}.partial`)).toBe(false)
  })
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}
