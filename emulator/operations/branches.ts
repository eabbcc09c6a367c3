import { type Answer, fieldsOf, json, noContent, type RepositoryCall } from '../call.ts'
import { archived, duplicateRef, invalidField, noDefaultBranch, noSuchCommit } from '../errors.ts'
import { sendRefsChanged } from '../events.ts'
import { GitError } from '../git/plumbing.ts'
import { compareRefs, findCommit, listRefs, type Ref, shortName } from '../git/refs.ts'
import { pageOf } from '../paging.ts'
import type { Repository } from '../state.ts'
import { textOf } from '../values.ts'
import { qualified } from './repositories.ts'

/** Branches whose name contains `filterText`, in any case; `orderBy=MODIFICATION` puts the newest first. */
export async function listBranches(call: RepositoryCall): Promise<Answer> {
  const branches = await listFiltered(call, 'refs/heads/')
  return json(
    pageOf(
      branches.map((ref) => represent(call.repository, ref)),
      call.query,
      call.emulator.settings,
    ),
  )
}

export async function listTags(call: RepositoryCall): Promise<Answer> {
  const tags = await listFiltered(call, 'refs/tags/')
  const values = tags.map((ref) => ({
    id: ref.id,
    displayId: shortName(ref.id),
    type: 'TAG',
    latestCommit: ref.commit,
    latestChangeset: ref.commit,
    // The tag object, which a lightweight tag has not.
    ...(ref.hash === ref.commit ? {} : { hash: ref.hash }),
  }))
  return json(pageOf(values, call.query, call.emulator.settings))
}

async function listFiltered(call: RepositoryCall, prefix: string): Promise<Ref[]> {
  const wanted = call.query.get('filterText')?.toLowerCase() ?? ''
  const refs = (await listRefs(call.emulator.git, call.repository))
    .filter((ref) => ref.id.startsWith(prefix))
    .filter((ref) => shortName(ref.id).toLowerCase().includes(wanted))
  return call.query.get('orderBy') === 'MODIFICATION' ? refs.sort((a, b) => b.committed - a.committed) : refs
}

function represent(repository: Repository, ref: Ref) {
  return {
    id: ref.id,
    displayId: shortName(ref.id),
    type: 'BRANCH',
    latestCommit: ref.commit,
    latestChangeset: ref.commit,
    isDefault: ref.id === repository.defaultBranch,
  }
}

/** Makes a branch at `startPoint` and tells the webhooks. */
export async function createBranch(call: RepositoryCall): Promise<Answer> {
  const { emulator, repository } = call
  if (repository.isArchived) throw archived(repository.slug)
  const name = textOf(fieldsOf(call).name) ?? ''
  const startPoint = textOf(fieldsOf(call).startPoint) ?? ''
  const id = qualified(name)
  const commit = await findCommit(emulator.git, repository, startPoint)
  if (commit === undefined) throw noSuchCommit(startPoint, repository.slug)
  const ref = await emulator.git.serialise(repository.id, async () => {
    const before = await listRefs(emulator.git, repository)
    if (before.some((candidate) => candidate.id === id)) throw duplicateRef(name)
    await updateRef(call, id, commit)
    const after = await listRefs(emulator.git, repository)
    await sendRefsChanged(emulator, repository, call.principal, compareRefs(before, after))
    return after.find((candidate) => candidate.id === id)
  })
  if (!ref) throw new Error(`The new branch ${id} is not there.`)
  return json(represent(repository, ref))
}

async function updateRef(call: RepositoryCall, id: string, commit: string): Promise<void> {
  try {
    await call.emulator.git.run(call.repository, ['check-ref-format', id])
    await call.emulator.git.run(call.repository, ['update-ref', id, commit, '0'.repeat(40)])
  } catch (error) {
    if (error instanceof GitError) throw invalidField('name', 'This is no name for a branch.')
    throw error
  }
}

/** The configured default branch, whether it exists or not. */
export function getDefaultBranch(call: RepositoryCall): Answer {
  const { defaultBranch } = call.repository
  return json({ id: defaultBranch, displayId: shortName(defaultBranch), type: 'BRANCH' })
}

/** The older resource: 204 for an empty repository, 404 where others exist and the default one does not. */
export async function getExistingDefaultBranch(call: RepositoryCall): Promise<Answer> {
  const branches = (await listRefs(call.emulator.git, call.repository)).filter(({ id }) => id.startsWith('refs/heads/'))
  const branch = branches.find(({ id }) => id === call.repository.defaultBranch)
  if (branch) return json(represent(call.repository, branch))
  if (branches.length === 0) return noContent
  throw noDefaultBranch(call.repository.slug)
}

export async function setDefaultBranch(call: RepositoryCall): Promise<Answer> {
  const { emulator, repository } = call
  if (repository.isArchived) throw archived(repository.slug)
  const given = textOf(fieldsOf(call).id)
  if (given === undefined || given === '') throw invalidField('id', 'The name of the branch is missing.')
  repository.defaultBranch = qualified(given)
  emulator.store.changed()
  await emulator.git.run(repository, ['symbolic-ref', 'HEAD', repository.defaultBranch])
  return noContent
}
