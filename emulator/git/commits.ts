import { GitError, type GitStorage } from './plumbing.ts'

export interface Person {
  readonly name: string
  readonly emailAddress: string
}

export interface Commit {
  readonly id: string
  readonly parents: readonly string[]
  readonly author: Person
  /** Milliseconds since 1970. */
  readonly authoredAt: number
  readonly committer: Person
  readonly committedAt: number
  readonly message: string
}

type Repository = Parameters<GitStorage['run']>[0]

const format = ['%H', '%P', '%an', '%ae', '%at', '%cn', '%ce', '%ct', '%B'].join('%x00')

export interface CommitQuery {
  readonly until: string
  /** Commits reachable from here are left out. */
  readonly since?: string | undefined
  readonly path?: string | undefined
  readonly merges?: 'exclude' | 'only' | undefined
  readonly limit?: number | undefined
}

/** Newest first, as git lists them. Both ends are commit hashes. */
export async function listCommits(git: GitStorage, repository: Repository, query: CommitQuery): Promise<Commit[]> {
  const args = ['log', '-z', `--format=${format}%x00`, '--end-of-options']
  if (query.merges === 'exclude') args.splice(1, 0, '--no-merges')
  if (query.merges === 'only') args.splice(1, 0, '--merges')
  if (query.limit !== undefined) args.splice(1, 0, `--max-count=${query.limit}`)
  args.push(query.until)
  if (query.since !== undefined) args.push(`^${query.since}`)
  args.push('--')
  if (query.path !== undefined && query.path !== '') args.push(`:(literal)${query.path}`)
  const output = await git.run(repository, args)
  return parse(output.toString('utf8'))
}

/** One commit by its full hash. */
export async function readCommit(git: GitStorage, repository: Repository, id: string): Promise<Commit | undefined> {
  try {
    const [commit] = await listCommits(git, repository, { until: id, limit: 1 })
    return commit
  } catch (error) {
    if (error instanceof GitError) return undefined
    throw error
  }
}

function parse(text: string): Commit[] {
  const fields = text.split('\0')
  const commits: Commit[] = []
  // Nine fields and one separator a commit; `-z` and the format's own last NUL leave an empty tenth.
  for (let at = 0; at + 8 < fields.length; at += 10) {
    const [id = '', parents = '', an = '', ae = '', at_ = '', cn = '', ce = '', ct = '', body = ''] = fields.slice(at)
    commits.push({
      id,
      parents: parents === '' ? [] : parents.split(' '),
      author: { name: an, emailAddress: ae },
      authoredAt: Number(at_) * 1000,
      committer: { name: cn, emailAddress: ce },
      committedAt: Number(ct) * 1000,
      message: body.replace(/\n+$/, ''),
    })
  }
  return commits
}
