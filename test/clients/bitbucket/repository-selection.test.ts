import { expect, test } from 'vitest'
import { Repository } from '../../../clients/bitbucket/repositories.ts'
import { type RepositorySelection, skipReason } from '../../../clients/bitbucket/repository-selection.ts'

/** Knows `*` at the end alone, which is all that these cases need. */
const startsAlike = (glob: string, path: string) => path.startsWith(glob.replace(/\*$/, ''))

const all: RepositorySelection = { include: ['*'], exclude: [], includePersonal: false, includeForks: false }
const infra = { id: 1, slug: 'infra', name: 'infra', project: { key: 'PRJ', type: 'NORMAL' } }
const personal = { ...infra, project: { key: '~jdoe', type: 'PERSONAL' } }
const fork = { ...infra, origin: { id: 7 } }

test.for<{ name: string; repository: unknown; selection?: Partial<RepositorySelection>; reason: string | undefined }>([
  { name: 'B16 covers what is included', repository: infra, selection: { include: ['PRJ/in*'] }, reason: undefined },
  {
    name: 'B16 skips what is not included',
    repository: infra,
    selection: { include: ['OTHER/*'] },
    reason: 'not-included',
  },
  {
    name: 'B16 covers nothing where nothing is included',
    repository: infra,
    selection: { include: [] },
    reason: 'not-included',
  },
  {
    name: 'B16 an exclusion wins over an inclusion',
    repository: infra,
    selection: { include: ['PRJ/infra'], exclude: ['PRJ/*'] },
    reason: 'excluded',
  },
  { name: 'B17 skips what is archived', repository: { ...infra, archived: true }, reason: 'archived' },
  { name: 'B17 covers what is no longer archived', repository: { ...infra, archived: false }, reason: undefined },
  { name: 'B18 skips a personal repository', repository: personal, reason: 'personal' },
  {
    name: 'B18 knows a personal repository by its key',
    repository: { ...personal, project: { key: '~jdoe' } },
    reason: 'personal',
  },
  {
    name: 'B18 covers a personal repository where switched on',
    repository: personal,
    selection: { includePersonal: true },
    reason: undefined,
  },
  { name: 'B18 skips a fork', repository: fork, reason: 'fork' },
  {
    name: 'B18 covers a fork where switched on',
    repository: fork,
    selection: { includeForks: true },
    reason: undefined,
  },
])('$name', ({ repository, selection, reason }) => {
  expect(skipReason(Repository.parse(repository), { ...all, ...selection }, startsAlike)).toBe(reason)
})
