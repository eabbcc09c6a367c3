import { GitError, type GitStorage } from './plumbing.ts'

export const noCommit = '0'.repeat(40)

export interface Ref {
  /** The full name, `refs/heads/main`. */
  readonly id: string
  /** The object that it names; for an annotated tag the tag object. */
  readonly hash: string
  /** The commit behind it. */
  readonly commit: string
  /** Seconds since 1970 of that commit; 0 when it has none. */
  readonly committed: number
}

export interface RefChange {
  readonly refId: string
  readonly type: 'ADD' | 'UPDATE' | 'DELETE'
  readonly fromHash: string
  readonly toHash: string
}

type Repository = Parameters<GitStorage['run']>[0]

/** Branches and tags by name. */
export async function listRefs(git: GitStorage, repository: Repository): Promise<Ref[]> {
  const format = '%(refname)%00%(objectname)%00%(*objectname)%00%(committerdate:unix)%(*committerdate:unix)'
  const output = await git.run(repository, ['for-each-ref', `--format=${format}`, 'refs/heads', 'refs/tags'])
  return output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', hash = '', peeled = '', committed = ''] = line.split('\0')
      return { id, hash, commit: peeled === '' ? hash : peeled, committed: Number(committed) || 0 }
    })
}

/** What happened between two listings, in the order of the names. A tag's hashes are its commits. */
export function compareRefs(before: readonly Ref[], after: readonly Ref[]): RefChange[] {
  const old = new Map(before.map((ref) => [ref.id, ref]))
  const now = new Map(after.map((ref) => [ref.id, ref]))
  const names = [...new Set([...old.keys(), ...now.keys()])].sort()
  return names.flatMap((refId): RefChange[] => {
    const from = old.get(refId)
    const to = now.get(refId)
    if (from?.hash === to?.hash) return []
    const type = from === undefined ? 'ADD' : to === undefined ? 'DELETE' : 'UPDATE'
    return [{ refId, type, fromHash: from?.commit ?? noCommit, toHash: to?.commit ?? noCommit }]
  })
}

/** `refs/heads/a/b` → `a/b`. */
export function shortName(refId: string): string {
  return refId.replace(/^refs\/(heads|tags)\//, '')
}

/**
 * The commit that a client means by a full or short hash, or by a qualified or plain branch or tag name.
 * Absent when there is none; what looks like an option or a revision expression is never passed on to git.
 */
export async function findCommit(git: GitStorage, repository: Repository, name: string): Promise<string | undefined> {
  if (name === '' || name.startsWith('-') || /[\s~^:?*[\\]|\.\.|@\{/.test(name)) return undefined
  const candidates = name.startsWith('refs/') ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`]
  if (/^[0-9a-f]{4,40}$/i.test(name)) candidates.push(name)
  for (const candidate of candidates) {
    const commit = await resolve(git, repository, candidate)
    if (commit !== undefined) return commit
  }
  return undefined
}

async function resolve(git: GitStorage, repository: Repository, name: string): Promise<string | undefined> {
  try {
    const output = await git.run(repository, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`])
    return output.toString('utf8').trim()
  } catch (error) {
    if (error instanceof GitError) return undefined
    throw error
  }
}
