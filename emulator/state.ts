import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

export type ProjectPermission = 'PROJECT_READ' | 'PROJECT_WRITE' | 'PROJECT_ADMIN'
export type RepositoryPermission = 'REPO_READ' | 'REPO_WRITE' | 'REPO_ADMIN'
export type GlobalPermission = 'LICENSED_USER' | 'PROJECT_CREATE' | 'ADMIN' | 'SYS_ADMIN'
export type TokenPermission = ProjectPermission | RepositoryPermission | 'SYS_ADMIN'

export interface User {
  readonly id: number
  name: string
  readonly slug: string
  displayName: string
  emailAddress: string
  isActive: boolean
  passwordHash: string | null
  globalPermission: GlobalPermission | null
}

export interface Project {
  readonly id: number
  key: string
  name: string
  description: string | null
  isPublic: boolean
  /** The user whose personal project it is, else null. */
  readonly ownerId: number | null
  /** By user id. */
  readonly permissions: Record<string, ProjectPermission>
}

export interface Repository {
  readonly id: number
  projectId: number
  slug: string
  name: string
  description: string | null
  /** A full ref, `refs/heads/main`; it need not exist. */
  defaultBranch: string
  isPublic: boolean
  isForkable: boolean
  isArchived: boolean
  readonly hierarchyId: string
  /** By user id. */
  readonly permissions: Record<string, RepositoryPermission>
}

export type Scope = { readonly kind: 'user' | 'project' | 'repository'; readonly id: number }

export interface AccessToken {
  readonly id: string
  name: string
  /** SHA-256 of the token, hex; the token itself is shown once and kept nowhere. */
  readonly hash: string
  readonly owner: Scope
  permissions: TokenPermission[]
  /** Milliseconds since 1970, as every time in this file. */
  readonly createdAt: number
  expiresAt: number | null
}

export interface Webhook {
  readonly id: number
  readonly scope: { readonly kind: 'project' | 'repository'; readonly id: number }
  name: string
  url: string
  isActive: boolean
  events: string[]
  configuration: Record<string, unknown>
  credentials: { readonly username: string; readonly password: string } | null
  isSslVerificationRequired: boolean
  readonly createdAt: number
  updatedAt: number
}

export interface BuildStatus {
  readonly commit: string
  /** null where it was posted through the older API, which knows no repository. */
  readonly repositoryId: number | null
  readonly key: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly createdAt: number
  readonly updatedAt: number
}

/** Everything the emulator knows besides git's own data. */
export interface State {
  readonly format: 1
  lastId: Record<'user' | 'project' | 'repository' | 'webhook', number>
  users: User[]
  projects: Project[]
  repositories: Repository[]
  tokens: AccessToken[]
  webhooks: Webhook[]
  statuses: BuildStatus[]
}

export interface Store {
  readonly state: State
  /** Tells that the state changed; it is written at most 50 ms later. */
  changed(): void
  /** Resolves when the file holds what the state held at the call. */
  flush(): Promise<void>
  nextId(kind: keyof State['lastId']): number
}

function emptyState(): State {
  return {
    format: 1,
    lastId: { user: 0, project: 0, repository: 0, webhook: 0 },
    users: [],
    projects: [],
    repositories: [],
    tokens: [],
    webhooks: [],
    statuses: [],
  }
}

/** Opens the state file, or begins an empty one. Throws when the file is there and cannot be read. */
export async function openStore(file: string): Promise<Store> {
  await mkdir(dirname(file), { recursive: true })
  const state = await readState(file)
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    // One write at a time, each with the state of its own turn: an older state never lands last.
    writing = writing.catch(() => {}).then(() => writeAtomically(file, JSON.stringify(state)))
    return writing
  }

  return {
    state,
    changed() {
      timer ??= setTimeout(() => void write().catch(reportFailedWrite), 50)
    },
    flush: write,
    nextId(kind) {
      state.lastId[kind] += 1
      return state.lastId[kind]
    },
  }
}

async function readState(file: string): Promise<State> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return emptyState()
    throw error
  }
  const state = JSON.parse(text) as State
  if (state.format !== 1) throw new Error(`${file} has a format this emulator does not know: ${String(state.format)}.`)
  return state
}

/** Writes beside the file and renames over it, so that a reader or a crash never meets half a file. */
export async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
}

function reportFailedWrite(error: unknown): void {
  process.stderr.write(`The emulator could not write its state: ${String(error)}\n`)
}
