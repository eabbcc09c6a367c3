import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

interface Program {
  /** Names under which the program may be installed; the first one found wins. */
  readonly names: readonly string[]
  /** Folders that are searched after PATH; `*` stands for one folder name, the highest version first. */
  readonly folders?: readonly string[]
  readonly why: string
  readonly get: string
}

/** Every program outside node_modules that a test may need, with why and how to get it. */
export const programs = {
  terraform: {
    names: ['terraform', 'tofu'],
    why: 'the acceptance tests plan and apply with the real Terraform',
    get: 'https://developer.hashicorp.com/terraform/install, or OpenTofu from https://opentofu.org/docs/intro/install',
  },
  git: {
    names: ['git'],
    why: 'the tests push with real git',
    get: 'apt-get install git',
  },
  'git-http-backend': {
    names: ['git-http-backend'],
    folders: ['/usr/lib/git-core', '/usr/libexec/git-core', '/opt/homebrew/opt/git/libexec/git-core'],
    why: 'the Bitbucket emulator serves repositories over HTTP with it',
    get: 'apt-get install git (it comes along with git)',
  },
  initdb: {
    names: ['initdb'],
    folders: ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/opt/homebrew/opt/postgresql@15/bin'],
    why: 'store and service suites run on a real PostgreSQL as well as on SQLite',
    get: 'apt-get install postgresql-15 (no running server is needed)',
  },
  postgres: {
    names: ['postgres'],
    folders: ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/opt/homebrew/opt/postgresql@15/bin'],
    why: 'store and service suites run on a real PostgreSQL as well as on SQLite',
    get: 'apt-get install postgresql-15 (no running server is needed)',
  },
  pg_dump: {
    names: ['pg_dump'],
    folders: ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/opt/homebrew/opt/postgresql@15/bin'],
    why: 'backups of PostgreSQL are made and searched with it',
    get: 'apt-get install postgresql-client-15',
  },
  pgbouncer: {
    names: ['pgbouncer'],
    folders: ['/usr/sbin'],
    why: 'the server is driven through a pooler in transaction mode',
    get: 'apt-get install pgbouncer (no running service is needed)',
  },
  'c++': {
    names: ['c++', 'g++', 'clang++'],
    why: 'fault tests compile a small library that lets a flush fail',
    get: 'apt-get install g++ make python3',
  },
  strace: {
    names: ['strace'],
    why: 'a system-call trace shows that a delivery is flushed before it is answered',
    get: 'apt-get install strace (Linux only)',
  },
  jq: {
    names: ['jq'],
    why: 'the commands of the guides are run as a reader runs them',
    get: 'apt-get install jq',
  },
  curl: {
    names: ['curl'],
    why: 'the commands of the API’s page are run as a reader runs them',
    get: 'apt-get install curl',
  },
  unshare: {
    names: ['unshare'],
    why: 'servers run on a small file system of their own, until it is full',
    get: 'apt-get install util-linux, on a system that lets a user make namespaces',
  },
  faketime: {
    names: ['faketime'],
    why: 'servers run with a clock that is wrong',
    get: 'apt-get install faketime',
  },
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome'],
    why: 'the browser tests drive a real Chromium',
    get: 'apt-get install chromium',
  },
} as const satisfies Record<string, Program>

export type ProgramName = keyof typeof programs

/** Finds a program on PATH or in the folders where systems keep it; `undefined` where it is not installed. */
export function findProgram(name: ProgramName, path: string | undefined = process.env.PATH): string | undefined {
  const program: Program = programs[name]
  const folders = [
    ...(path ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...(program.folders ?? []).flatMap(expand),
  ]
  return program.names.flatMap((file) => folders.map((folder) => join(folder, file))).find(isExecutable)
}

/** Like `findProgram`, for a suite that declared its need: throws with why and how to get it. */
export function getProgram(name: ProgramName): string {
  const path = findProgram(name)
  if (path === undefined) throw new Error(explainMissing(name))
  return path
}

/** One line: what is missing, why it is wanted, how to get it. */
export function explainMissing(name: ProgramName): string {
  const { names, why, get }: Program = programs[name]
  return `${names.slice(0, 2).join(' or ')} was not found; ${why}; to get it: ${get}`
}

function expand(folder: string): string[] {
  const [before, after] = folder.split('*')
  if (before === undefined || after === undefined) return [folder]
  const parent = before.slice(0, before.lastIndexOf('/'))
  const prefix = before.slice(parent.length + 1)
  try {
    return readdirSync(parent)
      .filter((name) => name.startsWith(prefix))
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((name) => join(parent, name, after))
  } catch {
    return [] // this system keeps nothing there
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
