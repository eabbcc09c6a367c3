import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { affectsProjectRoot, normalProjectRoot } from '../../../schemas/rules/affected-paths.ts'
import {
  type Changed,
  type ConfirmedPush,
  changedFiles,
  type DecidedStack,
  decideRun,
  everythingChanged,
} from '../../../server/core/run-decision.ts'

const a = 'a'.repeat(40)
const b = 'b'.repeat(40)

const push: ConfirmedPush = { branch: 'main', commit: a, branchHead: a, deliveryId: 'd1' }

function stack(fields: Partial<DecidedStack> & { readonly root?: string; readonly runs?: readonly string[] } = {}) {
  const { root = '', runs = [], ...rest } = fields
  return {
    branch: 'main',
    normalRoot: normalProjectRoot(root),
    headCommit: null,
    isDetached: false,
    headIsAhead: false,
    hasRun: (key: string) => runs.includes(key),
    ...rest,
  }
}

/** The decision in one word: TRACKED, PROPOSED or why not. */
function decided(given: ConfirmedPush, changed: Changed, one: DecidedStack): string {
  const decision = decideRun(given, changed, one)
  return decision.run ?? decision.why
}

describe('which stacks a push concerns', () => {
  test.for([
    { root: '', files: ['main.tf'], run: true },
    { root: '', files: [], run: true },
    { root: '', files: ['deep/er/main.tf'], run: true },
    { root: '/', files: ['main.tf'], run: true },
    { root: '.', files: ['main.tf'], run: true },
    { root: './', files: ['x/main.tf'], run: true },
    { root: 'infra', files: ['infra/main.tf'], run: true },
    { root: 'infra', files: ['infra/modules/net/main.tf'], run: true },
    { root: 'infra', files: ['infra2/main.tf'], run: false },
    { root: 'infra2', files: ['infra/main.tf'], run: false },
    { root: 'infra', files: ['infrastructure/main.tf'], run: false },
    { root: 'infra', files: ['infra.tf'], run: false },
    { root: 'infra', files: ['infra'], run: true },
    { root: 'infra', files: ['README.md', 'infra/a'], run: true },
    { root: 'infra', files: ['README.md', 'docs/infra/a'], run: false },
    { root: 'infra', files: [], run: false },
    { root: 'infra', files: ['Infra/main.tf'], run: false },
    { root: '/a/', files: ['a/main.tf'], run: true },
    { root: 'a/', files: ['a/main.tf'], run: true },
    { root: '/a', files: ['a/main.tf'], run: true },
    { root: '//a//b//', files: ['a/b/c.tf'], run: true },
    { root: './a/./b', files: ['a/b/c.tf'], run: true },
    { root: 'a/b', files: ['a/c.tf'], run: false },
    { root: 'a/b', files: ['a/bc/d.tf'], run: false },
    { root: 'a/b', files: ['a/b'], run: true },
    { root: 'a/b', files: ['b/c.tf'], run: false },
    { root: 'stacks/prod eu', files: ['stacks/prod eu/main.tf'], run: true },
    { root: 'stäcke/süd', files: ['stäcke/süd/main.tf'], run: true },
    { root: 'a.b', files: ['acb/main.tf'], run: false },
    { root: 'a*', files: ['abc/main.tf'], run: false },
  ])('R60 the root "$root" and the files $files: $run', ({ root, files, run }) => {
    expect(decided(push, changedFiles(files), stack({ root }))).toBe(run ? 'TRACKED' : 'outside_project_root')
    expect(decided({ ...push, branch: 'topic' }, changedFiles(files), stack({ root }))).toBe(
      run ? 'PROPOSED' : 'outside_project_root',
    )
  })

  test('R51 where everything counts as changed, every stack is concerned', () => {
    for (const root of ['', 'a', 'a/b/c']) expect(decided(push, everythingChanged, stack({ root }))).toBe('TRACKED')
  })

  test('R60 looking folders up gives what comparing each file gives', () => {
    const segment = fc.constantFrom('a', 'b', 'ab', 'infra', 'infra2')
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
    fc.assert(
      fc.property(fc.array(path), fc.oneof(fc.constant(''), path), (files, root) => {
        const found = decided(push, changedFiles(files), stack({ root })) === 'TRACKED'
        expect(found).toBe(affectsProjectRoot(root, files))
      }),
    )
  })
})

describe('which run a stack gets', () => {
  const older = { ...push, branchHead: b }
  const topic = { ...push, branch: 'topic' }
  const olderTopic = { ...topic, branchHead: b }
  test.for([
    { name: 'R61 the first push to the tracked branch', push, stack: stack(), gives: 'TRACKED' },
    { name: 'R61 a push to another branch', push: topic, stack: stack(), gives: 'PROPOSED' },
    {
      name: 'R61 a stack that tracks the other branch',
      push: topic,
      stack: stack({ branch: 'topic' }),
      gives: 'TRACKED',
    },
    {
      name: 'R61 a branch whose name begins alike',
      push: { ...push, branch: 'main2' },
      stack: stack(),
      gives: 'PROPOSED',
    },
    { name: 'R61 branches have a case', push: { ...push, branch: 'Main' }, stack: stack(), gives: 'PROPOSED' },
    { name: 'R62 the head already', push, stack: stack({ headCommit: a }), gives: 'head_already' },
    { name: 'R62 another commit than the head', push, stack: stack({ headCommit: b }), gives: 'TRACKED' },
    {
      name: 'R62 a roll-back of the branch itself',
      push,
      stack: stack({ headCommit: b, headIsAhead: true }),
      gives: 'TRACKED',
    },
    {
      name: 'S3 a commit behind the head',
      push: older,
      stack: stack({ headCommit: b, headIsAhead: true }),
      gives: 'superseded',
    },
    {
      name: 'R46 a commit on the way, not behind the head',
      push: older,
      stack: stack({ headCommit: 'c'.repeat(40) }),
      gives: 'TRACKED',
    },
    { name: 'R46 a commit on the way, before any run', push: older, stack: stack(), gives: 'TRACKED' },
    {
      name: 'R62 the same commit again on the way',
      push: older,
      stack: stack({ headCommit: a }),
      gives: 'head_already',
    },
    {
      name: 'R62 a commit with its proposed run',
      push: topic,
      stack: stack({ runs: [`proposed:${a}`] }),
      gives: 'run_exists',
    },
    {
      name: 'R62 a commit with another one’s proposed run',
      push: topic,
      stack: stack({ runs: [`proposed:${b}`] }),
      gives: 'PROPOSED',
    },
    {
      name: 'S3 a commit behind a proposed head',
      push: olderTopic,
      stack: stack({ runs: [`proposed:${b}`] }),
      gives: 'superseded',
    },
    { name: 'R46 a commit before a head without a run', push: olderTopic, stack: stack(), gives: 'PROPOSED' },
    {
      name: 'R62 the tracked head as a proposed commit',
      push: topic,
      stack: stack({ headCommit: a }),
      gives: 'PROPOSED',
    },
    { name: 'R80 a detached stack, tracked', push, stack: stack({ isDetached: true }), gives: 'detached' },
    { name: 'R80 a detached stack, proposed', push: topic, stack: stack({ isDetached: true }), gives: 'detached' },
  ])('$name: $gives', ({ push: given, stack: one, gives }) => {
    expect(decided(given, everythingChanged, one)).toBe(gives)
  })

  test('R62 a proposed run is known by its commit, a tracked one by its delivery too', () => {
    expect(decideRun(topic, everythingChanged, stack())).toEqual({ run: 'PROPOSED', runKey: `proposed:${a}` })
    expect(decideRun(push, everythingChanged, stack())).toEqual({ run: 'TRACKED', runKey: `tracked:d1:${a}` })
  })
})
