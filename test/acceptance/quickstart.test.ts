import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { repositoryRoot } from '../../scripts/repository-root.ts'
import { needs } from '../support/left-out.ts'

const run = promisify(execFile)
const script = join(repositoryRoot(), 'dist', 'scripts', 'quickstart.js')

needs(
  'terraform',
  'git',
  'git-http-backend',
)('the quickstart', () => {
  test('tells the main job to its end, with exit code 0', async () => {
    const { stdout, stderr } = await run(process.execPath, [script])

    expect(stderr).toBe('')
    expect(stdout).toContain('Plan: 6 to add, 0 to change, 0 to destroy.')
    expect(
      stdout.match(/^ {3}git push .*: (?:TRACKED|PROPOSED) run, (?:READY|QUEUED); build status INPROGRESS/gm),
    ).toHaveLength(7)
    expect(stdout).toContain('bitbucket-hook has registered the one of DEMO/shop again.')
    expect(stdout).toContain('mooring_bitbucket_webhook.network will be created')
    expect(stdout).toContain('refuse events until they have an integration again: network, shop.')
    expect(stdout.match(/No changes\./g)).toHaveLength(3)
    expect(stdout).toContain('There is no worker yet')
  })

  test('S46 prints no token and leaves none behind, also with --keep', async () => {
    const child = spawn(process.execPath, [script, '--keep'], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const printed: string[] = []
    const lines = createInterface({ input: child.stdout })
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        printed.push(line)
        if (line.includes('/api/v1/registrations')) resolve()
      })
      child.once('exit', (code) => reject(new Error(`ended with ${code}:\n${printed.join('\n')}`)))
    })
    const keyFile = /@(\S+api-key\.json)/.exec(printed.join('\n'))?.[1] ?? ''
    const key = JSON.parse(readFileSync(keyFile, 'utf8')) as { keyId: string; keySecret: string }

    const commands = printed.map((line) => line.replace(/^.*│ /, '')).filter((line) => /^(?:TOKEN=|curl )/.test(line))
    const answers = await run('bash', ['-e', '-c', commands.join('\n')])

    expect(statSync(keyFile).mode & 0o077).toBe(0)
    expect(printed.join('\n')).not.toContain(key.keySecret)
    expect(printed.join('\n')).not.toMatch(/BBDC-|eyJ[\w-]+\.eyJ/)
    expect(answers.stdout).toContain('"stackId":"shop"')
    expect(answers.stdout).toContain('"verdict":"accepted"')
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(existsSync(keyFile)).toBe(false)
  })
})
