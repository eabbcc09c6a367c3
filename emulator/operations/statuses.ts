import type { components } from '@coderabbitai/bitbucket/server/openapi'
import { type Answer, type Call, fieldsOf, json, noContent, type RepositoryCall } from '../call.ts'
import { badRequest, invalidField, invalidFields, noSuchBuildStatus } from '../errors.ts'
import { projectOf } from '../find.ts'
import { pageOf } from '../paging.ts'
import { dateOf } from '../representation.ts'
import type { BuildStatus } from '../state.ts'
import { isRecord, textOf } from '../values.ts'

const olderStates: readonly string[] = ['SUCCESSFUL', 'FAILED', 'INPROGRESS']
const states: readonly string[] = [...olderStates, 'CANCELLED', 'UNKNOWN']

/** Stores one status; the same key again replaces it. Needs no more than REPO_READ. */
export function postBuildStatus(call: RepositoryCall): Answer {
  store(call, fullHash(call), call.repository.id, states)
  return noContent
}

/** The older resource, which knows no repository, no CANCELLED and no UNKNOWN. */
export function postOlderBuildStatus(call: Call): Answer {
  store(call, fullHash(call), null, olderStates)
  return noContent
}

function fullHash(call: Call): string {
  const commit = call.params.commitId ?? ''
  if (!/^[0-9a-f]{40}$/.test(commit)) throw badRequest(`"${commit}" is not a full commit id of 40 characters.`)
  return commit
}

function store(call: Call, commit: string, repositoryId: number | null, allowed: readonly string[]): void {
  const { settings, store: persisted } = call.emulator
  const fields = readStatus(fieldsOf(call), allowed)
  const { state } = persisted
  const isSame = (status: BuildStatus) =>
    status.commit === commit && status.repositoryId === repositoryId && status.key === fields.key
  const now = settings.now()
  const createdAt = state.statuses.find(isSame)?.createdAt ?? now
  state.statuses = state.statuses.filter((status) => !isSame(status))
  state.statuses.push({ commit, repositoryId, key: fields.key, fields, createdAt, updatedAt: now })
  persisted.changed()
}

function readStatus(fields: Readonly<Record<string, unknown>>, allowed: readonly string[]) {
  const key = textOf(fields.key) ?? ''
  const state = textOf(fields.state) ?? ''
  const url = textOf(fields.url) ?? ''
  const ref = textOf(fields.ref)
  const tooLong = ['key', 'name', 'description'].filter((name) => (textOf(fields[name])?.length ?? 0) > 255)
  const problems = [
    ...(key === '' ? [{ context: 'key', message: 'The key is missing.' }] : []),
    ...(url === '' || !URL.canParse(url) ? [{ context: 'url', message: 'The url is missing or not a URL.' }] : []),
    ...(url.length > 450 ? [{ context: 'url', message: 'The url has more than 450 characters.' }] : []),
    ...(allowed.includes(state) ? [] : [{ context: 'state', message: `The state is none of ${allowed.join(', ')}.` }]),
    ...(ref !== undefined && !ref.startsWith('refs/')
      ? [{ context: 'ref', message: 'The ref must start with refs/.' }]
      : []),
    ...tooLong.map((context) => ({ context, message: `The ${context} has more than 255 characters.` })),
  ]
  if (problems.length > 0) throw invalidFields(problems)
  return {
    key,
    state,
    url,
    ...pick(fields, 'string', ['name', 'description', 'ref', 'parent', 'buildNumber']),
    ...pick(fields, 'number', ['duration']),
    ...(isRecord(fields.testResults) ? { testResults: fields.testResults } : {}),
  }
}

function pick(fields: Readonly<Record<string, unknown>>, type: string, names: readonly string[]) {
  return Object.fromEntries(names.filter((name) => typeof fields[name] === type).map((name) => [name, fields[name]]))
}

/** One status by `key`, of this repository, or posted for the commit through the older resource. */
export function getBuildStatus(call: RepositoryCall): Answer {
  const { status } = findStatus(call)
  return json(represent(call, status))
}

export function deleteBuildStatus(call: RepositoryCall): Answer {
  const { state } = call.emulator.store
  const { status } = findStatus(call)
  state.statuses = state.statuses.filter((candidate) => candidate !== status)
  call.emulator.store.changed()
  return noContent
}

function findStatus(call: RepositoryCall): { readonly status: BuildStatus } {
  const key = call.query.get('key')
  if (key === null || key === '') throw invalidField('key', 'The parameter key is missing.')
  const commit = fullHash(call)
  const candidates = call.emulator.store.state.statuses.filter(
    (status) => status.commit === commit && status.key === key,
  )
  const status =
    candidates.find(({ repositoryId }) => repositoryId === call.repository.id) ??
    candidates.find(({ repositoryId }) => repositoryId === null)
  if (!status) throw noSuchBuildStatus(key, commit)
  return { status }
}

/** All statuses of a commit, whichever resource they came through, newest first (`orderBy=OLDEST` turns it). */
export function listOlderBuildStatuses(call: Call): Answer {
  const commit = fullHash(call)
  const statuses = call.emulator.store.state.statuses
    .filter((status) => status.commit === commit)
    .sort((left, right) => right.updatedAt - left.updatedAt)
    .map((status) => represent(call, status))
  if (call.query.get('orderBy') === 'OLDEST') statuses.reverse()
  return json(pageOf(statuses, call.query, call.emulator.settings))
}

function represent(call: Call, status: BuildStatus): components['schemas']['RestBuildStatus'] {
  const { settings, store: persisted } = call.emulator
  const repository = persisted.state.repositories.find(({ id }) => id === status.repositoryId)
  const place: object = repository
    ? { projectKey: projectOf(persisted.state, repository).key, repositorySlug: repository.slug }
    : {}
  const dates: object = {
    createdDate: dateOf(settings, status.createdAt),
    updatedDate: dateOf(settings, status.updatedAt),
  }
  return { ...status.fields, ...place, ...dates }
}
