import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { repositoryRoot } from '../../scripts/repository-root.ts'
import { needs } from '../support/left-out.ts'

const run = promisify(execFile)
const script = (name: string) => join(repositoryRoot(), 'dist', 'scripts', `${name}.js`)

needs('terraform')('the commands for the provider', () => {
  test('R139d Terraform installs from the mirror, and its own schema is the one that we print', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mooring-mirror-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const mirror = join(folder, 'mirror')
    await writeFile(
      join(folder, 'main.tf'),
      'terraform {\n  required_providers {\n    mooring = { source = "mooring/mooring" }\n  }\n}\n',
    )

    const laid = await run(process.execPath, [script('provider-mirror'), mirror])
    const cliConfig = join(folder, 'cli.tfrc')
    await writeFile(cliConfig, laid.stdout.slice(laid.stdout.indexOf('provider_installation')))
    const env = { ...process.env, TF_CLI_CONFIG_FILE: cliConfig, CHECKPOINT_DISABLE: '1' }
    await run('terraform', ['init', '-no-color'], { cwd: folder, env })
    const theirs = await run('terraform', ['providers', 'schema', '-json'], { cwd: folder, env, maxBuffer: 2 ** 26 })
    const ours = await run(process.execPath, [script('provider-schema')], { maxBuffer: 2 ** 26 })

    const { provider_versions, ...schema } = JSON.parse(ours.stdout)
    expect(schema).toEqual(JSON.parse(theirs.stdout))
    const versions = await run('terraform', ['version', '-json'], { cwd: folder, env })
    expect(provider_versions).toEqual(JSON.parse(versions.stdout).provider_selections)
  })
})
