import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { networkFileSystemOf } from '../../../server/store/dialect/file-system-kind.ts'
import { explainUnwritable } from '../../../server/store/dialect/unusable-file.ts'
import { runServerCommand } from '../../support/server-command.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { mayMount, mountTmpfs } from '../../support/small-disk.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mooring-start-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function start(file: string) {
  const { code, stdout, stderr } = await runServerCommand(['serve'], {
    MOORING_DATABASE_URL: `sqlite:${file}`,
    MOORING_LISTEN: '127.0.0.1:0',
  })
  expect(code).toBe(1)
  expect(stderr + stdout).not.toContain('    at ')
  return stderr
}

test('F7 a file that is no database is refused in words, and left as it was', async () => {
  const place = folder()
  const notes = join(place, 'notes.txt')
  writeFileSync(notes, 'not a database at all, but what somebody needs', { mode: 0o644 })
  const damaged = join(place, 'damaged.db')
  writeFileSync(damaged, Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(4_080, 0x5a)]))

  expect(await start(notes)).toContain(`${notes} is no SQLite database; it was left as it is`)
  expect(await start(damaged)).toMatch(/damaged/)
  expect(await start(place)).toContain('is a folder, not a database')

  expect(readFileSync(notes, 'utf8')).toBe('not a database at all, but what somebody needs')
  expect(statSync(notes).mode & 0o777).toBe(0o644)
})

test('F7 a folder that is not there is named, with what to do', async () => {
  expect(await start(join(folder(), 'missing', 'mooring.db'))).toMatch(/folder .*missing is not there. Make it/)
})

test('F7 a file of somebody else is told with both owners', () => {
  const file = join(folder(), 'mooring.db')
  writeFileSync(file, '')
  const { message } = explainUnwritable(file, Object.assign(new Error(), { code: 'EACCES' }))

  expect(message).toMatch(/EACCES.*(belongs to user \d+, we are user \d+|its mode forbids it)/)
  expect(networkFileSystemOf(file)).toBeUndefined()
})

test.skipIf(!mayMount)('F7 a read-only file system is told in words', async () => {
  const place = mountTmpfs('size=1m,ro')

  expect(await start(join(place, 'mooring.db'))).toMatch(/EROFS.*read-only file system. Mount it for writing/)
})

test.skipIf(process.getuid?.() !== 0)('F7 a start as another user than the owner names both', () => {
  const place = folder()
  const { status, stderr } = spawnSync(process.execPath, [resolve('dist/server/main.js'), 'serve'], {
    cwd: '/',
    uid: 65_534,
    env: { MOORING_DATABASE_URL: `sqlite:${join(place, 'mooring.db')}`, MOORING_LISTEN: '127.0.0.1:0' },
    encoding: 'utf8',
  })

  expect(status).toBe(1)
  expect(stderr).toMatch(/\(EACCES\): it belongs to user 0, we are user 65534\. Start the server as the owner/)
})

test('S45 SIGUSR1 logs the state without a secret and opens no inspector', async () => {
  const place = folder()
  const server = startServerProcess({}, place)
  await server.listening()
  const key = readFileSync(join(place, 'mooring.db.key'), 'utf8').trim()

  server.child.kill('SIGUSR1')
  while (!server.stdout().includes('as SIGUSR1 asked')) await new Promise((resolve) => setTimeout(resolve, 20))

  const line = server
    .stdout()
    .split('\n')
    .find((text) => text.includes('as SIGUSR1 asked'))
  expect(JSON.parse(line ?? '')).toMatchObject({
    process: { pid: server.child.pid, rss: expect.any(Number) },
    server: { isAccepting: true, isQuiet: false, disk: 'enough' },
  })
  expect(server.stdout()).not.toContain(key)
  expect(server.stderr()).not.toContain('Debugger listening')
  expect(await isOpen(9229)).toBe(false)
})

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
