import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchesGlob, matchesRepository, RepositoryGlob } from '../../../schemas/rules/globs.ts'

describe('globs', () => {
  test.for<[pattern: string, path: string, fits: boolean]>([
    ['INFRA/network', 'INFRA/network', true],
    ['INFRA/network', 'INFRA/network2', false],
    ['INFRA/network', 'INFRA2/network', false],
    ['INFRA/*', 'INFRA/network', true],
    ['INFRA/*', 'INFRA/a/b', false],
    ['INFRA/*', 'INFRA', false],
    ['*/network', 'INFRA/network', true],
    ['*/*', 'INFRA/network', true],
    ['*', 'INFRA/network', false],
    ['**', 'INFRA/network', true],
    ['**', 'a', true],
    ['INFRA/**', 'INFRA/network', true],
    ['INFRA/**', 'INFRA', true],
    ['**/network', 'INFRA/network', true],
    ['**/network', 'network', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'a/x/y/c', false],
    ['a/**/**/b', 'a/b', true],
    ['INFRA/net-*', 'INFRA/net-', true],
    ['INFRA/*-prod', 'INFRA/net-prod', true],
    ['INFRA/*-prod', 'INFRA/net-prod-old', false],
    ['INFRA/*a*b*', 'INFRA/xxaxxbxx', true],
    ['INFRA/*ab', 'INFRA/aab', true],
    ['INFRA/n?twork', 'INFRA/network', true],
    ['INFRA/n?twork', 'INFRA/ntwork', false],
    ['INFRA/network?', 'INFRA/network', false],
    ['INFRA/net**', 'INFRA/network', true],
    ['INFRA/net.work', 'INFRA/netxwork', false],
    ['~ada/*', '~ada/tools', true],
  ])('%s and %s: %s', ([pattern, path, fits]) => {
    expect(matchesGlob(pattern, path)).toBe(fits)
  })

  test('R27b a project’s key has no case, a slug has', () => {
    const network = { projectKey: 'Infra', repositorySlug: 'network' }

    expect(matchesRepository('infra/network', network)).toBe(true)
    expect(matchesRepository('IN*/net*', network)).toBe(true)
    expect(matchesRepository('**/network', network)).toBe(true)
    expect(matchesRepository('INFRA/Network', network)).toBe(false)
  })

  test.for([
    ['INFRA/network', true],
    ['INFRA/*', true],
    ['**', true],
    ['INFRA/**', true],
    ['~ada/*', true],
    [`${'a'.repeat(250)}/*`, true],
    ['', false],
    ['INFRA', false],
    ['INFRA/', false],
    ['/network', false],
    ['INFRA/a/b', false],
    ['INFRA/a/b/**', false],
    ['INFRA/[ab]', false],
    ['INFRA/{a,b}', false],
    ['!INFRA/a', false],
    ['INFRA/a b', false],
    ['INFRA\\a', false],
    [`${'a'.repeat(300)}/*`, false],
  ] as const)('S64 the pattern %s is accepted: %s', ([pattern, isAccepted]) => {
    expect(RepositoryGlob.safeParse(pattern).success).toBe(isAccepted)
  })

  test('S64 matching costs at most the length of the pattern times that of the path', () => {
    const letters = fc.constantFrom('a', 'b', '*', '?', '/', '**')
    const text = (of: fc.Arbitrary<string>, maxLength: number) =>
      fc.array(of, { maxLength }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text(letters, 256), text(fc.constantFrom('a', 'a', 'a', 'b', '/'), 400), (pattern, path) => {
        let steps = 0

        matchesGlob(pattern, path, () => steps++)

        // A star may look at each of its text's characters once for each of the pattern's that follow it.
        expect(steps).toBeLessThanOrEqual(3 * (pattern.length + 1) * (path.length + 1))
      }),
      { numRuns: 500 },
    )
  })

  test('S64 the patterns on which other matchers hang take a few thousand steps', () => {
    for (const pattern of ['*a*a*a*a*a*ab', `${'*a'.repeat(30)}b`, `${'**/'.repeat(60)}b`, '*'.repeat(256)]) {
      let steps = 0

      expect(matchesGlob(pattern, 'a'.repeat(60), () => steps++)).toBe(/^\*+$/.test(pattern))
      expect(steps, pattern).toBeLessThan(20_000)
    }
  })

  test('S64 it agrees with a slow matcher that tries everything', () => {
    const segment = fc.stringMatching(/^[ab*?]{0,5}$/)
    const pattern = fc
      .array(fc.oneof(segment, fc.constant('**')), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('/'))
    const path = fc
      .array(fc.stringMatching(/^[ab]{0,4}$/), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('/'))
    fc.assert(
      fc.property(pattern, path, (glob, text) => {
        expect(matchesGlob(glob, text)).toBe(slowSegments(glob.split('/'), text.split('/')))
      }),
      { numRuns: 2_000 },
    )
  })
})

function slowSegments([first, ...rest]: string[], path: string[]): boolean {
  if (first === undefined) return path.length === 0
  if (first === '**')
    return slowSegments(rest, path) || (path.length > 0 && slowSegments([first, ...rest], path.slice(1)))
  const [text, ...left] = path
  return text !== undefined && slowText(first, text) && slowSegments(rest, left)
}

function slowText(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern[0] === '*') return slowText(pattern.slice(1), text) || (text !== '' && slowText(pattern, text.slice(1)))
  return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && slowText(pattern.slice(1), text.slice(1))
}
