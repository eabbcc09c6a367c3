import { spawn } from 'node:child_process'
import { access, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** git said no: its exit code and what it wrote to stderr. */
export class GitError extends Error {
  readonly exitCode: number
  constructor(args: readonly string[], exitCode: number, stderr: string) {
    super(`git ${args[0] ?? ''} ended with ${exitCode}: ${stderr.trim()}`)
    this.name = 'GitError'
    this.exitCode = exitCode
  }
}

/** The environment of every git process: nothing of the user's own configuration, no prompt. */
export function gitEnvironment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  }
}

/** Bare repositories on disk, one folder per repository id, so that a rename or a move touches none of them. */
export interface GitStorage {
  readonly root: string
  /** The folder of a repository, made on first use. `defaultBranch` is a full ref. */
  directoryOf(repository: { readonly id: number; readonly defaultBranch: string }): Promise<string>
  /** Runs git in the repository and gives its standard output. Throws GitError. */
  run(repository: { readonly id: number; readonly defaultBranch: string }, args: readonly string[]): Promise<Buffer>
  remove(repositoryId: number): Promise<void>
  /** Runs one task at a time per repository: whoever compares refs before and after a write holds it. */
  serialise<Result>(repositoryId: number, task: () => Promise<Result>): Promise<Result>
}

export async function openGitStorage(root: string): Promise<GitStorage> {
  await mkdir(root, { recursive: true })
  const made = new Map<number, Promise<string>>()
  const tails = new Map<number, Promise<unknown>>()

  const storage: GitStorage = {
    root,
    directoryOf(repository) {
      const known = made.get(repository.id)
      if (known) return known
      const making = makeRepository(root, repository.id, repository.defaultBranch)
      made.set(repository.id, making)
      making.catch(() => made.delete(repository.id))
      return making
    },
    async run(repository, args) {
      return runGit(await storage.directoryOf(repository), root, args)
    },
    async remove(repositoryId) {
      made.delete(repositoryId)
      await rm(join(root, `${repositoryId}.git`), { recursive: true, force: true })
    },
    serialise(repositoryId, task) {
      const tail = (tails.get(repositoryId) ?? Promise.resolve()).catch(() => {}).then(task)
      tails.set(repositoryId, tail)
      return tail
    },
  }
  return storage
}

async function makeRepository(root: string, id: number, defaultBranch: string): Promise<string> {
  const directory = join(root, `${id}.git`)
  if (await exists(join(directory, 'HEAD'))) return directory
  const branch = defaultBranch.replace(/^refs\/heads\//, '')
  await runGit(root, root, ['init', '--quiet', '--bare', '--template=', `--initial-branch=${branch}`, directory])
  await runGit(directory, root, ['config', 'http.receivepack', 'true'])
  await runGit(directory, root, ['config', 'receive.autogc', 'false'])
  return directory
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function runGit(directory: string, home: string, args: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd: directory, env: gitEnvironment(home), stdio: ['ignore', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    const problems: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => problems.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(output))
      else reject(new GitError(args, code ?? -1, Buffer.concat(problems).toString('utf8')))
    })
  })
}
