import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createServerClient } from '../../clients/server/client.ts'
import { openUndiciTransport } from '../../clients/transport-undici.ts'
import { databases } from '../support/databases.ts'
import { startServerProcess } from '../support/server-process.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mooring-server-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function clientOf(endpoint: string, credentials: { keyId: string; keySecret: string }) {
  const transport = openUndiciTransport({})
  onTestFinished(() => transport.close())
  return createServerClient(transport.send, { endpoint, now: Date.now, credentials })
}

function readKey(file: string): { keyId: string; keySecret: string } {
  const [keyId = '', keySecret = ''] = readFileSync(file, 'utf8').trim().split(':')
  return { keyId, keySecret }
}

test('S18 S42 S75 the first start: everything 0600, the bootstrap key in its file and in no output', async () => {
  const cwd = folder()
  const server = startServerProcess({}, cwd)

  const url = await server.listening()

  expect(new URL(url).hostname).toBe('127.0.0.1')
  const files = readdirSync(cwd)
  expect(files).toEqual(expect.arrayContaining(['mooring.db', 'mooring.db.key', 'mooring.db.bootstrap-key']))
  for (const file of files) expect(statSync(join(cwd, file)).mode & 0o777, file).toBe(0o600)
  const key = readKey(join(cwd, 'mooring.db.bootstrap-key'))
  const sealingKey = readFileSync(join(cwd, 'mooring.db.key'), 'utf8').trim()
  const output = server.stdout() + server.stderr()
  expect(output).not.toContain(key.keySecret)
  expect(output).not.toContain(sealingKey)

  const { id, secret } = await clientOf(url, key).call('createApiKey', { body: { name: 'root', role: 'admin' } })

  expect(existsSync(join(cwd, 'mooring.db.bootstrap-key'))).toBe(false)
  expect((await clientOf(url, { keyId: id, keySecret: secret }).call('listSpaces', { query: {} })).items).toHaveLength(
    1,
  )
})

test('S18 with a root admin no bootstrap key is made; with none left, one is', async () => {
  const cwd = folder()
  const first = startServerProcess({}, cwd)
  const key = readKey(join(cwd, await first.listening().then(() => 'mooring.db.bootstrap-key')))
  const root = await clientOf(await first.listening(), key).call('createApiKey', {
    body: { name: 'root', role: 'admin' },
  })
  first.child.kill('SIGTERM')
  await first.ended()

  const second = startServerProcess({}, cwd)
  const url = await second.listening()
  const whileThereIsOne = existsSync(join(cwd, 'mooring.db.bootstrap-key'))
  await clientOf(url, { keyId: root.id, keySecret: root.secret }).call('revokeApiKey', { params: { id: root.id } })
  second.child.kill('SIGTERM')
  await second.ended()
  await startServerProcess({}, cwd).listening()

  expect(whileThereIsOne).toBe(false)
  expect(existsSync(join(cwd, 'mooring.db.bootstrap-key'))).toBe(true)
})

test('S42 a lost or wrong key beside existing data: no start, no new key, and the wanted key is named', async () => {
  const cwd = folder()
  const first = startServerProcess({}, cwd)
  await first.listening()
  first.child.kill('SIGTERM')
  await first.ended()
  const keyFile = join(cwd, 'mooring.db.key')
  const key = readFileSync(keyFile, 'utf8')

  rmSync(keyFile)
  const lost = startServerProcess({}, cwd)
  expect(await lost.ended()).toBe(1)
  expect(lost.stderr()).toMatch(/sealed with the key [0-9a-f]{16}/)
  expect(existsSync(keyFile)).toBe(false)

  const other = randomBytes(32).toString('base64')
  const wrong = startServerProcess({ MOORING_ENCRYPTION_KEY: other }, cwd)
  expect(await wrong.ended()).toBe(1)
  expect(wrong.stderr()).toMatch(/does not fit this database.*sealed with the key [0-9a-f]{16}/)
  expect(wrong.stderr()).not.toContain(other)

  const rotated = startServerProcess({ MOORING_ENCRYPTION_KEY: other, MOORING_OLD_ENCRYPTION_KEYS: key.trim() }, cwd)
  await rotated.listening()
  rotated.child.kill('SIGTERM')
  await rotated.ended()

  writeFileSync(keyFile, key, { mode: 0o600 })
  await startServerProcess({}, cwd).listening()
})

test('R210 a second server on the same SQLite file is refused with the first one’s process id', async () => {
  const cwd = folder()
  const first = startServerProcess({}, cwd)
  await first.listening()

  const second = startServerProcess({}, cwd)

  expect(await second.ended()).toBe(1)
  expect(second.stderr()).toContain(`process ${first.child.pid}`)
})

test('R209 a wrong environment ends the start with every variable named, and no stack', async () => {
  const server = startServerProcess({ MOORING_DATABASE_URL: 'x', MOORING_PUBLIC_URL: 'y' }, folder())

  expect(await server.ended()).toBe(1)
  expect(server.stderr()).toMatch(/MOORING_DATABASE_URL[\s\S]*MOORING_PUBLIC_URL/)
  expect(server.stderr()).not.toContain('    at ')
})

for (const database of databases) {
  test(`R208 F18 on ${database.name} a signal lets what is in flight finish, and ends with 0`, async () => {
    const cwd = folder()
    const server = startServerProcess(
      {
        MOORING_DATABASE_URL: await database.open(),
        MOORING_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        MOORING_STATE_DIR: cwd,
        MOORING_STOP_GRACE_SECONDS: '1',
      },
      cwd,
    )
    const url = await server.listening()
    const { keyId, keySecret } = readKey(join(cwd, 'bootstrap-key'))
    const body = JSON.stringify({ keyId, keySecret })
    const slow = connect(Number(new URL(url).port), '127.0.0.1')
    let answer = ''
    slow.setEncoding('utf8').on('data', (text: string) => {
      answer += text
    })
    slow.write(
      `POST /api/v1/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body.slice(0, 10)}`,
    )
    await new Promise((resolve) => setTimeout(resolve, 200))

    const began = performance.now()
    server.child.kill('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 300))
    const readiness = await fetch(`${url}/readyz`)
    const aliveness = await fetch(`${url}/healthz`)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const refused = await fetch(`${url}/healthz`).catch(() => 'refused')
    slow.write(body.slice(10))
    await new Promise((resolve) => slow.once('close', resolve))

    expect(readiness.status).toBe(503)
    expect(aliveness.status).toBe(200)
    expect(refused).toBe('refused')
    expect(answer).toMatch(/^HTTP\/1\.1 200/)
    expect(await server.ended()).toBe(0)
    expect(performance.now() - began).toBeLessThan(30_000)
  })
}

test('F18 a second signal ends at once', async () => {
  const cwd = folder()
  const server = startServerProcess({ MOORING_STOP_GRACE_SECONDS: '10' }, cwd)
  await server.listening()

  const began = performance.now()
  server.child.kill('SIGTERM')
  await new Promise((resolve) => setTimeout(resolve, 200))
  server.child.kill('SIGTERM')

  expect(await server.ended()).toBe(1)
  expect(performance.now() - began).toBeLessThan(3_000)
})
