import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'

describe('a fresh clone', () => {
  test('installs, builds and starts the command, and says so on standard error alone', async () => {
    const clone = freshClone()

    const first = await run(clone, 'hello', 'a', '--json')
    const second = await run(clone, 'hello')

    expect(first.stdout).toBe('{"arguments":["a","--json"]}\n')
    expect(first.stderr).toMatch(/installing dependencies[\s\S]*building/)
    expect(first.code).toBe(0)
    expect(second).toEqual({ stdout: '{"arguments":[]}\n', stderr: '', code: 0 })
  })

  test('is installed and built once when two commands start together', async () => {
    const clone = freshClone()

    const both = await Promise.all([run(clone, 'hello', 'one'), run(clone, 'hello', 'two')])

    expect(both.map(({ stdout }) => stdout)).toEqual(['{"arguments":["one"]}\n', '{"arguments":["two"]}\n'])
    const said = both.map(({ stderr }) => stderr).join('')
    expect(said.match(/installing dependencies/g)).toHaveLength(1)
    expect(said.match(/building …/g)).toHaveLength(1)
    expect(existsSync(join(clone, '.mooring/run.lock'))).toBe(false)
  })

  test('takes over the lock of a process that died', async () => {
    const clone = freshClone()
    const dead = spawnSync(process.execPath, ['-e', '']).pid
    write(clone, '.mooring/run.lock', String(dead))

    const { code } = await run(clone, 'hello')

    expect(code).toBe(0)
  })
})

describe('a clone in use', () => {
  test('installs again when the lockfile changed', async () => {
    const clone = freshClone()
    await run(clone, 'hello')
    const lockfile = readFileSync(join(clone, 'package-lock.json'), 'utf8')
    write(clone, 'more/package.json', '{ "name": "more", "version": "1.0.0" }')
    writePackage(clone, { more: 'file:more' })

    const { stderr } = await run(clone, 'hello')

    expect(readFileSync(join(clone, 'package-lock.json'), 'utf8')).not.toBe(lockfile)
    expect(stderr).toMatch(/installing dependencies/)
    expect(existsSync(join(clone, 'node_modules/more/package.json'))).toBe(true)
  })

  test('builds again when a source changed, and forgets what was built of a source that is gone', async () => {
    const clone = freshClone()
    await run(clone, 'hello')
    write(clone, 'scripts/other.ts', 'console.log("other")\n')
    rmSync(join(clone, 'scripts/hello.ts'))

    const other = await run(clone, 'other')
    const hello = await run(clone, 'hello')

    expect(other.stdout).toBe('other\n')
    expect(hello).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no command "hello"') })
  })

  test('copies what the code reads beside itself', async () => {
    const clone = freshClone()
    write(clone, 'server/page.html', '<p>')

    await run(clone, 'hello')

    expect(readFileSync(join(clone, 'dist/server/page.html'), 'utf8')).toBe('<p>')
  })

  test('shows the compiler’s errors, starts nothing, and tries again', async () => {
    const clone = freshClone()
    write(clone, 'scripts/wrong.ts', 'export const wrong: number = "text"\n')

    const first = await run(clone, 'hello')
    const second = await run(clone, 'hello')

    expect(first).toMatchObject({ stdout: '', code: 1, stderr: expect.stringContaining('scripts/wrong.ts(1,14)') })
    expect(second).toMatchObject({ stdout: '', code: 1, stderr: expect.stringContaining('The build failed') })
  })
})

describe('a command', () => {
  test('keeps its exit code', async () => {
    const clone = freshClone()
    write(clone, 'scripts/fail.ts', 'process.exitCode = 7\n')

    expect(await run(clone, 'fail')).toMatchObject({ code: 7 })
  })

  test('gets the signals that are sent to the process', async () => {
    const clone = freshClone()
    write(
      clone,
      'scripts/serve.ts',
      "setInterval(() => {}, 1000)\nprocess.on('SIGTERM', () => process.exit(9))\nconsole.log('up')\n",
    )
    const child = spawn(process.execPath, [join(clone, 'scripts/run.mjs'), 'serve'], { stdio: ['ignore', 'pipe', 2] })
    await new Promise((started) => child.stdout?.once('data', started))

    child.kill('SIGTERM')
    const code = await new Promise((ended) => child.once('exit', ended))

    expect(code).toBe(9)
  })
})

test('names a Node.js that is too old, and what to do', async () => {
  const clone = freshClone()
  write(clone, 'old.cjs', "Object.defineProperty(process.versions, 'node', { value: '18.20.4' })")

  const { stderr, status } = spawnSync(
    process.execPath,
    ['--require', join(clone, 'old.cjs'), join(clone, 'scripts/run.mjs'), 'hello'],
    {
      encoding: 'utf8',
    },
  )

  expect(status).toBe(1)
  expect(stderr).toMatch(/18\.20\.4 is too old: Mooring needs 20\.19 or newer\.\n.*nodejs\.org/)
})

test('says what a missing C++ compiler is needed for, and how to get one', async () => {
  const clone = freshClone()
  // A driver that does not load, as after an installation without a ready-made binary, and nothing to build it with.
  write(clone, 'driver/package.json', '{ "name": "better-sqlite3", "version": "1.0.0" }')
  write(clone, 'driver/index.js', 'throw new Error("no binary")')
  writePackage(clone, { 'better-sqlite3': 'file:driver' })
  const tools = join(clone, 'tools')
  mkdirSync(tools)
  for (const name of ['node', 'npm', 'sh']) symlinkSync(find(name), join(tools, name))

  const { stderr, code } = await runWith({ PATH: tools }, clone, 'hello')

  expect(code).toBe(1)
  expect(stderr).toMatch(/no C\+\+ compiler[\s\S]*keeps its data in SQLite[\s\S]*apt-get install g\+\+ make python3/)
})

/** A small package with this repository's starter, whose only dependencies are links to what is installed here. */
function freshClone(): string {
  const clone = mkdtempSync(join(tmpdir(), 'mooring-clone-'))
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }))
  mkdirSync(join(clone, 'scripts'))
  cpSync('scripts/run.mjs', join(clone, 'scripts/run.mjs'))
  cpSync('.npmrc', join(clone, '.npmrc'))
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    outDir: 'dist',
    rootDir: '.',
    types: ['node'],
    skipLibCheck: true,
  }
  write(clone, 'tsconfig.json', JSON.stringify({ compilerOptions, include: ['scripts', 'server'] }))
  write(clone, 'scripts/hello.ts', 'console.log(JSON.stringify({ arguments: process.argv.slice(2) }))\n')
  writePackage(clone, {})
  return clone
}

/** Writes the manifest, and lets npm write the lockfile for it; no registry is asked, since all are local links. */
function writePackage(clone: string, more: Readonly<Record<string, string>>): void {
  const local = Object.fromEntries(
    ['typescript', '@types/node', 'better-sqlite3'].map((name) => [name, `file:${resolve('node_modules', name)}`]),
  )
  const dependencies = { ...local, ...more }
  write(clone, 'package.json', JSON.stringify({ name: 'clone', version: '1.0.0', type: 'module', dependencies }))
  const options = ['--package-lock-only', '--offline', '--ignore-scripts']
  const { status, stderr } = spawnSync('npm', ['install', ...options], { cwd: clone, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm wrote no lockfile: ${stderr}`)
}

function write(clone: string, file: string, text: string): void {
  mkdirSync(dirname(join(clone, file)), { recursive: true })
  writeFileSync(join(clone, file), text)
}

interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

function run(clone: string, ...args: readonly string[]): Promise<Outcome> {
  return runWith({}, clone, ...args)
}

async function runWith(env: NodeJS.ProcessEnv, clone: string, ...args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [join(clone, 'scripts/run.mjs'), ...args], {
    cwd: clone,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => {
    stdout += text
  })
  child.stderr.on('data', (text) => {
    stderr += text
  })
  const code = await new Promise<number | null>((ended) => child.once('close', ended))
  return { stdout, stderr, code }
}

function find(program: string): string {
  return spawnSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim()
}
