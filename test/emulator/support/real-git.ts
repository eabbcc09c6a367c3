import { spawn } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface Push {
  /** main when absent; made when it does not exist. */
  readonly branch?: string
  /** Content by path; null deletes the file. */
  readonly files?: Readonly<Record<string, string | null>>
  readonly message?: string
  /** The administrator's when absent. */
  readonly token?: string
  /** Where the branch starts when it is new: another branch. */
  readonly from?: string
  readonly force?: boolean
  /** Throws the branch's own history away and begins from its commit before the last one. */
  readonly amend?: boolean
}

export interface TestRepository {
  readonly key: string
  readonly slug: string
  readonly id: number
  /** `/rest/api/latest/projects/<key>/repos/<slug>`, encoded. */
  readonly path: string
  readonly cloneUrl: string
  /** Commits with real git and pushes; gives the new commit's id. */
  push(push?: Push): Promise<string>
  /** Runs git in a clone whose remote `origin` is this repository, and gives its output. */
  git(...args: string[]): Promise<string>
}

interface Place {
  readonly url: string
  readonly token: string
  readonly scratch: string
  readonly key: string
  readonly slug: string
  readonly id: number
}

/** A repository of the emulator with a clone of its own, made on first use. */
export function openRepository(place: Place): TestRepository {
  const { key, slug, id } = place
  const cloneUrl = `${place.url}/scm/${key.toLowerCase()}/${slug}.git`
  const directory = join(place.scratch, `clone-${id}`)
  let clone: Promise<void> | undefined

  async function prepare(): Promise<void> {
    await mkdir(directory, { recursive: true })
    await runGit(directory, place.token, ['init', '--quiet', '--initial-branch=main'])
    await runGit(directory, place.token, ['remote', 'add', 'origin', cloneUrl])
  }

  async function git(...args: string[]): Promise<string> {
    clone ??= prepare()
    await clone
    return runGit(directory, place.token, args)
  }

  async function push(given: Push = {}): Promise<string> {
    const branch = given.branch ?? 'main'
    await git('fetch', '--quiet', '--prune', 'origin')
    const heads = (await git('branch', '--remotes', '--format=%(refname:short)')).split('\n')
    const start = heads.includes(`origin/${branch}`) ? branch : (given.from ?? 'main')
    if (heads.includes(`origin/${start}`)) await git('checkout', '--quiet', '-B', branch, `origin/${start}`)
    else await git('checkout', '--quiet', '--orphan', branch)
    if (given.amend) await git('reset', '--quiet', '--hard', 'HEAD~1')
    const files = given.files ?? { 'README.md': `${Date.now()} ${Math.random()}\n` }
    for (const [path, content] of Object.entries(files)) {
      if (content === null) await rm(join(directory, path))
      else await writeFileAt(join(directory, path), content)
    }
    await git('add', '--all')
    await git('commit', '--quiet', '--allow-empty', '-m', given.message ?? `Changes ${Object.keys(files).join(', ')}`)
    const options = given.force || given.amend ? ['--force'] : []
    const args = ['push', '--quiet', ...options, 'origin', `HEAD:refs/heads/${branch}`]
    await runGit(directory, given.token ?? place.token, args)
    return (await git('rev-parse', 'HEAD')).trim()
  }

  const path = `/rest/api/latest/projects/${encodeURIComponent(key)}/repos/${encodeURIComponent(slug)}`
  return { key, slug, id, path, cloneUrl, push, git }
}

async function writeFileAt(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}

/** Runs git without the machine's own configuration, with the token as Bearer. */
export function runGit(directory: string, token: string | null, args: readonly string[]): Promise<string> {
  const identity = ['-c', 'user.name=Tester', '-c', 'user.email=tester@example.com']
  const header = token === null ? [] : ['-c', `http.extraHeader=Authorization: Bearer ${token}`]
  const env = {
    PATH: process.env.PATH,
    HOME: directory,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  }
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...identity, ...header, ...args], {
      cwd: directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let problems = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      problems += chunk.toString('utf8')
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`git ${args[0]} ended with ${code}: ${problems.trim()}`))
    })
  })
}
