import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../../scripts/repository-root.ts'
import { databases } from '../support/databases.ts'
import { needs } from '../support/left-out.ts'
import { startTestServer } from '../support/server.ts'

const run = promisify(execFile)

needs('curl', 'jq')('the guide to access', () => {
  test.for(databases)('R205 R24 its commands work as they stand ($name)', async (database) => {
    const guide = readFileSync(join(repositoryRoot(), 'docs/access.md'), 'utf8')
    const commands = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block)
    const server = await startTestServer(database)
    const env = { PATH: process.env.PATH, MOORING: server.url, TOKEN: await server.token() }

    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', commands.join('\n')], { env })

    expect(stdout).toContain('"kind":"user"')
    expect(stdout).toMatch(/childspace\nparentspace\n/)
    expect(await server.db.selectFrom('user_account').selectAll().execute()).toEqual([])
  })
})
