import { type Answer, json, type RepositoryCall } from '../call.ts'
import { badRequest, noDefaultBranch, noSuchCommit } from '../errors.ts'
import { type CommitQuery, listCommits as listGitCommits, readCommit } from '../git/commits.ts'
import { compareChanges, emptyTree, type FileChange, listChanges } from '../git/diff.ts'
import { findCommit } from '../git/refs.ts'
import { pageOf } from '../paging.ts'
import { representChange, representCommit } from '../representation.ts'

/** The commit that a parameter names; the default branch's head when it is absent. Throws a 404. */
export async function commitOf(call: RepositoryCall, name: string | null): Promise<string> {
  const { git } = call.emulator
  if (name !== null && name !== '') {
    const commit = await findCommit(git, call.repository, name)
    if (commit === undefined) throw noSuchCommit(name, call.repository.slug)
    return commit
  }
  const commit = await findCommit(git, call.repository, call.repository.defaultBranch)
  if (commit === undefined) throw noDefaultBranch(call.repository.slug)
  return commit
}

/** From `until` back, without what `since` reaches, newest first. */
export async function listCommits(call: RepositoryCall): Promise<Answer> {
  const { query } = call
  const since = query.get('since')
  const merges = query.get('merges')
  const wanted: CommitQuery = {
    until: await commitOf(call, query.get('until')),
    since: since === null || since === '' ? undefined : await commitOf(call, since),
    path: query.get('path') ?? undefined,
    merges: merges === 'exclude' || merges === 'only' ? merges : undefined,
  }
  return pageOfCommits(call, wanted)
}

/** What `from` reaches and `to` does not. */
export async function compareCommits(call: RepositoryCall): Promise<Answer> {
  const from = await commitOf(call, call.query.get('from'))
  const to = await commitOf(call, call.query.get('to'))
  return pageOfCommits(call, { until: from, since: to })
}

async function pageOfCommits(call: RepositoryCall, wanted: CommitQuery): Promise<Answer> {
  const { settings, store, git } = call.emulator
  const commits = await listGitCommits(git, call.repository, wanted)
  const values = commits.map((commit) => representCommit(settings, store.state, commit))
  const page = pageOf(values, call.query, settings)
  return json(call.query.get('withCounts') === 'true' ? { ...page, totalCount: commits.length } : page)
}

/** One commit by a full or short hash; names of refs are not accepted here. */
export async function getCommit(call: RepositoryCall): Promise<Answer> {
  const { settings, store, git } = call.emulator
  const id = await hashOf(call)
  const commit = await readCommit(git, call.repository, id)
  if (!commit) throw noSuchCommit(id, call.repository.slug)
  return json(representCommit(settings, store.state, commit))
}

async function hashOf(call: RepositoryCall): Promise<string> {
  const id = call.params.commitId ?? ''
  if (id.startsWith('refs/')) throw badRequest(`"${id}" is a ref, and this resource takes the id of a commit.`)
  const commit = /^[0-9a-f]{4,40}$/i.test(id) ? await findCommit(call.emulator.git, call.repository, id) : undefined
  if (commit === undefined) throw noSuchCommit(id, call.repository.slug)
  return commit
}

/** What a commit changed since its first parent, or since `since`. */
export async function listCommitChanges(call: RepositoryCall): Promise<Answer> {
  const { git } = call.emulator
  const until = await hashOf(call)
  const since = call.query.get('since')
  const parent = (await readCommit(git, call.repository, until))?.parents[0] ?? emptyTree
  const old = since === null || since === '' ? parent : await commitOf(call, since)
  return pageOfChanges(call, await listChanges(git, call.repository, old, until))
}

/** The files that differ between where `from` and `to` parted and `from`, which has the new commits. */
export async function listComparedChanges(call: RepositoryCall): Promise<Answer> {
  const from = await commitOf(call, call.query.get('from'))
  const to = await commitOf(call, call.query.get('to'))
  return pageOfChanges(call, await compareChanges(call.emulator.git, call.repository, from, to))
}

/** Bitbucket tells at most `page.max.changes` of them, and nothing of the rest. */
function pageOfChanges(call: RepositoryCall, changes: readonly FileChange[]): Answer {
  const { settings } = call.emulator
  const values = changes
    .slice(0, settings.maxChanges)
    .map((change) => representChange(settings, call.project, call.repository, change))
  return json(pageOf(values, call.query, settings, 'null'))
}
