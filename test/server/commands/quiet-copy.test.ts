import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { settleHome } from '../../../server/store/home.ts'
import { databases, type TestDatabase } from '../../support/databases.ts'
import { startTestEmulator } from '../../support/emulator.ts'
import { needs } from '../../support/left-out.ts'
import { pushBody } from '../../support/processing.ts'
import { sendWebhook } from '../../support/receiver.ts'
import { openTestServer, startTestServer, type TestServer, type TestServerOptions } from '../../support/server.ts'
import { runCommandHere } from '../../support/server-command-here.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** Copies the database of a stopped server as its operator would: by a backup and a restore. */
async function copyOf(database: TestDatabase, source: string, key: Uint8Array): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-copy-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const env = { MOORING_DATABASE_URL: source, MOORING_ENCRYPTION_KEY: Buffer.from(key).toString('base64') }
  const target = database.name === 'sqlite' ? `sqlite:${join(folder, 'copy.db')}` : await database.open()
  const file = join(folder, 'x.backup')
  expect(await runCommandHere(['backup', file], env)).toMatchObject({ code: 0 })
  expect(await runCommandHere(['restore', file], { ...env, MOORING_DATABASE_URL: target })).toMatchObject({ code: 0 })
  return target
}

for (const database of databases) {
  needs('git')(database.name, () => {
    test('S76 a restored copy beside the live one sends nothing until it takes over', async () => {
      const emulator = await startTestEmulator()
      const repository = await emulator.createRepository('QUIET', 'infra')
      const commit = await repository.push({ files: { x: '1' } })
      const options: TestServerOptions = {
        encryptionKey: randomBytes(32),
        allowedLoopback: [new URL(emulator.url).host],
      }
      const live = await startTestServer(database, options)
      await live.root.call('createIntegration', {
        body: { name: 'VCS', apiHost: emulator.url, accessToken: emulator.adminToken },
      })
      const place = { integrationId: 'vcs', projectKey: 'QUIET', repositorySlug: 'infra' }
      await live.root.call('createStack', { query: {}, body: { name: 'S', branch: 'main', repository: place } })
      const { secret } = await live.root.call('readWebhookCredentials', { params: { id: 'vcs' } })
      const copyUrl = await copyOf(database, live.databaseUrl, options.encryptionKey ?? randomBytes(32))
      await emulator.idle()
      const before = emulator.requests().length

      const quiet = await openTestServer(copyUrl, { ...options, rootKey: live.rootKey })
      const stored = await sendWebhook(
        quiet.url,
        { slug: 'vcs', secret },
        pushBody(repository, [{ branch: 'main', from: null, to: commit }]),
      )
      const refused = await failureOf(
        quiet.root.call('createIntegration', {
          body: { name: 'Other', apiHost: emulator.url, accessToken: emulator.adminToken },
        }),
      )
      const unverified = await failureOf(
        quiet.root.call('createStack', { query: {}, body: { name: 'T', branch: 'main', repository: place } }),
      )
      const targets = await failureOf(quiet.root.call('listWebhookTargets', { query: {} }))
      const ready = await fetch(`${quiet.url}/readyz`)
      const meta = await quiet.root.call('getMeta', {})
      await sleep(2_500) // every loop has had a turn, were there one

      expect(stored.status, 'a delivery that reaches it is kept').toBe(202)
      expect(unverified).toMatchObject({ code: 'copy_is_quiet', status: 409 })
      expect(targets).toMatchObject({ code: 'copy_is_quiet', status: 409 })
      expect(refused === undefined || 'code' in Object(refused)).toBe(true)
      expect(emulator.requests().slice(before), 'requests at Bitbucket').toEqual([])
      expect(await runsOf(quiet)).toBe(0)
      expect({ status: ready.status, body: await ready.json() }).toMatchObject({
        status: 200,
        body: { status: 'ready', note: expect.stringContaining('--take-over') },
      })
      expect(meta.quiet).toBe(true)
      expect(await (await fetch(`${quiet.url}/metrics`)).text()).toContain('mooring_quiet 1')
      expect(quiet.log()).toContain('this database is a copy')
      await quiet.close()

      const taken = await openTestServer(copyUrl, { ...options, rootKey: live.rootKey, homeWish: 'take_over' })
      onTestFinished(() => taken.close())
      while ((await runsOf(taken)) === 0) await sleep(50)
      expect(emulator.requests().length).toBeGreaterThan(before)
      expect((await taken.root.call('getMeta', {})).quiet).toBe(false)
      expect((await live.root.call('getMeta', {})).quiet, 'the live one goes on').toBe(false)
    })
  })

  test(`S76 on ${database.name} the first start makes the place the home, and it stays so`, async () => {
    const url = await openTestDatabaseUrl(database)
    const db = connectTestDatabase(url)

    expect(await settleHome(db, url, 'keep', 1)).toEqual({ isQuiet: false, isTakenOver: false })
    expect(await settleHome(db, url, 'keep', 2)).toEqual({ isQuiet: false, isTakenOver: false })
    expect(await settleHome(db, url, 'be_quiet', 3)).toEqual({ isQuiet: true, isTakenOver: false })
    expect(await settleHome(db, url, 'keep', 4)).toEqual({ isQuiet: true, isTakenOver: false })
  })
}

test('S76 a SQLite file is at home where it was moved to, and not where it was copied to', async () => {
  const url = await openTestDatabaseUrl({ name: 'sqlite', open: databases[0]?.open ?? neverOpened })
  const file = url.slice('sqlite:'.length)
  const first = connectTestDatabase(url)
  await settleHome(first, url, 'keep', 1)
  await first.destroy()
  expect(existsSync(`${file}-wal`)).toBe(false)

  cpSync(file, `${file}.copied`)
  const copied = connectTestDatabase(`sqlite:${file}.copied`)

  expect(await settleHome(copied, `sqlite:${file}.copied`, 'keep', 2)).toMatchObject({ isQuiet: true })
  const again = connectTestDatabase(url)
  expect(await settleHome(again, url, 'keep', 3)).toMatchObject({ isQuiet: false })
})

async function runsOf(server: TestServer): Promise<number> {
  return (await server.root.call('listRuns', { query: {} })).items.length
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

function neverOpened(): never {
  throw new Error('There is no database to test on.')
}
