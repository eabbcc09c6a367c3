import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { answers, freePort, unprivilegedOwner } from './postgres.ts'
import { getProgram } from './programs.ts'

/**
 * Starts pgbouncer in transaction mode in front of the database at `url`, with a few connections for everybody; gives
 * the URL that leads through it. It ends with the test.
 */
export async function startPooler(url: string): Promise<string> {
  const target = new URL(url)
  const folder = mkdtempSync(join(tmpdir(), 'mooring-pooler-'))
  chmodSync(folder, 0o755) // read by another user where the tests run as root
  const port = await freePort()
  const file = join(folder, 'pgbouncer.ini')
  const lines = [
    '[databases]',
    `* = host=${target.hostname} port=${target.port} user=${target.username} password=${target.password}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 6',
    'ignore_startup_parameters = extra_float_digits',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = spawn(getProgram('pgbouncer'), ['-q', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...unprivilegedOwner(),
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  const through = new URL(url)
  through.port = String(port)
  for (let tries = 0; !(await answers(through.href)); tries += 1) {
    if (child.exitCode !== null || tries === 600) throw new Error(`pgbouncer did not start: ${errors}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return through.href
}
