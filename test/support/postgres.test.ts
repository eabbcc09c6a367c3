import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { needs } from './left-out.ts'
import { startPostgres } from './postgres.ts'

needs('initdb', 'postgres')('a PostgreSQL of our own', () => {
  test('ends with its files when it is stopped', async () => {
    const postgres = await startPostgres()
    if (!postgres) throw new Error('PostgreSQL is not installed')
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    await client.end()

    await postgres.stop()

    expect(existsSync(postgres.dataDirectory)).toBe(false)
  })

  test('ends with its files when the process that started it is killed', async () => {
    const script = `import { startPostgres } from ${JSON.stringify(resolve('dist/test/support/postgres.js'))}
      process.stdout.write((await startPostgres()).dataDirectory)
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const directory = await new Promise<string>((started) => child.stdout.once('data', (text) => started(String(text))))
    expect(existsSync(directory)).toBe(true)

    child.kill('SIGKILL')

    await vi.waitFor(() => expect(existsSync(directory)).toBe(false), { timeout: 10_000, interval: 50 })
  })
})
