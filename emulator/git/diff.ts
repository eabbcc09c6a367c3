import { GitError, type GitStorage } from './plumbing.ts'

export interface FileChange {
  readonly type: 'ADD' | 'MODIFY' | 'DELETE' | 'MOVE' | 'COPY'
  readonly path: string
  /** Where a moved or copied file was before. */
  readonly sourcePath?: string
  readonly contentId: string
  readonly fromContentId: string
  readonly mode: string
  readonly fromMode: string
  /** 0 to 100 for a move or copy, else -1. */
  readonly percentUnchanged: number
}

type Repository = Parameters<GitStorage['run']>[0]

/** The tree without entries, which every git knows. */
export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

/** What changed from one tree or commit to another, renames found. */
export async function listChanges(
  git: GitStorage,
  repository: Repository,
  old: string,
  now: string,
): Promise<FileChange[]> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-abbrev', '-M', '--end-of-options', old, now]
  return parse((await git.run(repository, args)).toString('utf8'))
}

/**
 * What is in `from` and not in `to`: the difference between where the two parted and `from`. Without a common
 * ancestor everything in `from` is new.
 */
export async function compareChanges(
  git: GitStorage,
  repository: Repository,
  from: string,
  to: string,
): Promise<FileChange[]> {
  return listChanges(git, repository, (await findMergeBase(git, repository, to, from)) ?? emptyTree, from)
}

async function findMergeBase(
  git: GitStorage,
  repository: Repository,
  left: string,
  right: string,
): Promise<string | undefined> {
  try {
    return (await git.run(repository, ['merge-base', left, right])).toString('utf8').trim()
  } catch (error) {
    if (error instanceof GitError && error.exitCode === 1) return undefined
    throw error
  }
}

const types: Readonly<Record<string, FileChange['type']>> = {
  A: 'ADD',
  M: 'MODIFY',
  T: 'MODIFY',
  D: 'DELETE',
  R: 'MOVE',
  C: 'COPY',
}

function parse(text: string): FileChange[] {
  const fields = text.split('\0')
  const changes: FileChange[] = []
  let at = 0
  while (at < fields.length) {
    const [fromMode = '', mode = '', fromContentId = '', contentId = '', status = ''] = (fields[at] ?? '')
      .replace(/^:/, '')
      .split(' ')
    const type = types[status.charAt(0)]
    if (!type) break
    const content = { type, contentId, fromContentId, mode, fromMode }
    if (type === 'MOVE' || type === 'COPY') {
      const paths = { sourcePath: fields[at + 1] ?? '', path: fields[at + 2] ?? '' }
      changes.push({ ...content, ...paths, percentUnchanged: Number(status.slice(1)) })
      at += 3
    } else {
      changes.push({ ...content, path: fields[at + 1] ?? '', percentUnchanged: -1 })
      at += 2
    }
  }
  return changes
}
