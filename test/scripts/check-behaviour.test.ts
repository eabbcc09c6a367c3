import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { countsLine, judge } from '../../scripts/behaviour/judge.ts'
import { leadingIds, readRules } from '../../scripts/behaviour/rules.ts'
import { testTitles } from '../../scripts/behaviour/titles.ts'
import { needs, sharedPath } from '../support/left-out.ts'

const document = `# Server

- **R1** not built: an integration can be created

### R2 · proven
A name never changes.

### R3 · partly
An address follows from the name.
Missing: the provider's function.
- **R4** not built: there is one default integration

### B55 · not provable
The page works in Bitbucket.
Why: it takes a real Bitbucket.
`

describe('documents', () => {
  test('have rules in four states', () => {
    const { rules, errors } = readRules('server.md', document)

    expect(errors).toEqual([])
    expect(rules.map(({ id, state, text, remark, place }) => [id, state, text, remark, place])).toEqual([
      ['R1', 'not built', 'an integration can be created', undefined, 'server.md:3'],
      ['R2', 'proven', 'A name never changes.', undefined, 'server.md:5'],
      ['R3', 'partly', 'An address follows from the name.', "the provider's function.", 'server.md:8'],
      ['R4', 'not built', 'there is one default integration', undefined, 'server.md:11'],
      ['B55', 'not provable', 'The page works in Bitbucket.', 'it takes a real Bitbucket.', 'server.md:13'],
    ])
  })

  test.for([
    { name: 'a state that does not exist', text: '### R2 · done\nIt is.', error: /"done" is no state/ },
    { name: 'an id that is none', text: '- **Q9** not built: what', error: /"Q9" is no rule id/ },
    { name: 'a line that looks like a rule but is not', text: '- **R2** built', error: /expected "- \*\*R1/ },
    { name: 'a heading without a state', text: '### R2\nIt is.', error: /expected "- \*\*R1/ },
    {
      name: 'a proven rule without sentences',
      text: '### R2 · proven\n\n### R3 · proven\nIs.',
      error: /R2 needs compl/,
    },
    { name: 'a partly built rule that lacks nothing', text: '### R2 · partly\nIt is.', error: /needs a line "Missing/ },
    {
      name: 'a proven rule that lacks something',
      text: '### R2 · proven\nIs.\nMissing: a',
      error: /nothing can be mi/,
    },
    { name: 'an unprovable rule without a reason', text: '### R2 · not provable\nIt is.', error: /needs a line "Why/ },
    { name: 'a promise that stands on nothing', text: '- **N1** not built: all is well', error: /is a promise/ },
  ])('refuse $name', ({ text, error }) => {
    const { errors } = readRules('server.md', text)

    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(error)
  })
})

describe('titles', () => {
  test('are found wherever a test can be written', () => {
    const titles = testTitles(
      'x.test.ts',
      `test('R1 one', () => {})
      it('R2 two', () => {})
      test.skipIf(windows)('R3 three', () => {})
      test.concurrent('R4 four', () => {})
      test.for([{ name: 'R5 five' }, { name: 'R6 six' }])('$name', () => {})
      const rows = [{ title: 'R7 seven', purpose: 'R99 is no title' }]
      test.for(rows)('$title', () => {})
      describe('R98 a suite', () => { test(\`R8 eight on \${database}\`, () => {}) })
      test.skip('R97 never runs', () => {})
      test.todo('R96 some day')
      const text = "test('R95 is only text')"`,
    )

    expect(titles.map(({ title }) => leadingIds(title)[0]).filter(Boolean)).toEqual([
      'R1',
      'R2',
      'R3',
      'R4',
      'R8',
      'R5',
      'R6',
      'R7',
    ])
    expect(titles[0]).toEqual({ title: 'R1 one', place: 'x.test.ts:1' })
  })

  test.for([
    ['R22 a stack uses it', ['R22']],
    ['R1a S41 sealed', ['R1a', 'S41']],
    ['R22, R23: both', ['R22', 'R23']],
    ['answers 404', []],
    ['refuses R22', []],
    ['R22-x is no id', []],
  ] as const)('%s', ([title, ids]) => {
    expect(leadingIds(title)).toEqual(ids)
  })
})

describe('judging', () => {
  const { rules } = readRules('server.md', document)
  const good = [
    { title: 'R2 keeps the name', place: 'a.test.ts:1' },
    { title: 'R3 derives the address', place: 'a.test.ts:2' },
  ]

  test('agrees and counts', () => {
    const { errors, counts } = judge(rules, good)

    expect(errors).toEqual([])
    expect(countsLine(counts)).toBe('1 proven, 1 partly, 2 not built, 1 not provable')
  })

  test.for([
    { name: 'a rule proven without a test', tests: good.slice(1), error: /R2 is proven, but no test/ },
    { name: 'a rule partly built without a test', tests: good.slice(0, 1), error: /R3 is partly, but no test/ },
    {
      name: 'a test for a rule not built',
      tests: [...good, { title: 'R4 one default', place: 'b.test.ts:9' }],
      error: /^b\.test\.ts:9: .* R4, which server\.md:11 calls not built/,
    },
    {
      name: 'a test that names a rule that does not exist',
      tests: [...good, { title: 'R404 nothing', place: 'b.test.ts:9' }],
      error: /^b\.test\.ts:9: .* R404, which no document/,
    },
  ])('fails on $name', ({ tests, error }) => {
    const { errors } = judge(rules, tests)

    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatch(error)
  })

  test('fails on a rule that is written twice', () => {
    const { errors } = judge([...rules, ...readRules('ui.md', '- **R1** not built: again').rules], good)

    expect(errors).toEqual(['ui.md:1: R1 is already written at server.md:3.'])
  })

  test('holds a promise to the rules that it stands on', () => {
    const promise = (rule: string) => readRules('promises.md', `### N1 · proven\nIt holds.\nRules: ${rule}`).rules

    expect(judge([...rules, ...promise('R2')], good).errors).toEqual([])
    expect(judge([...rules, ...promise('R2, R3')], good).errors).toEqual([
      'promises.md:1: N1 is proven, but it stands on R3, which is not.',
    ])
    expect(judge([...rules, ...promise('R2, R77')], good).errors[0]).toMatch(/R77, which no document has/)
  })
})

needs('shared')('the documents of this repository', () => {
  test('have every rule of the specification, and no other', () => {
    const folder = sharedPath('spec')
    const text = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'))
    const specified = text.flatMap((page) => page.match(/(?<=\*\*)[RBUWCSFL]\d+[a-z]?(?=\*\*)/g) ?? [])
    const promises = text.flatMap((page) => page.match(/(?<=^\| )N\d+(?= \|)/gm) ?? [])
    expect(existsSync('docs/behaviour')).toBe(true)

    const written = readdirSync('docs/behaviour').flatMap(
      (name) => readRules(name, readFileSync(`docs/behaviour/${name}`, 'utf8')).rules,
    )

    expect(new Set(written.map(({ id }) => id))).toEqual(new Set([...specified, ...promises]))
    expect(promises).toHaveLength(13)
  })
})
