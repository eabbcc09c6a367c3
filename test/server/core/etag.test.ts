import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { etagOf, isEntityTags, matchesNoneOf, requireMatch } from '../../../server/core/etag.ts'

const object = { id: 'platform', labels: ['a'] }
const etag = etagOf(object)

test('R203 the ETag is a strong one in double quotes, equal for equal objects alone', async () => {
  expect(etag).toMatch(/^"[\w-]{43}"$/)
  await fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      expect(etagOf(a) === etagOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
    }),
  )
})

test.for([
  { name: 'R203 nothing asked', ifMatch: undefined, passes: true },
  { name: 'R203 whatever exists', ifMatch: '*', passes: true },
  { name: 'R203 the present version', ifMatch: etag, passes: true },
  { name: 'R203 one of several versions', ifMatch: `"x", ${etag}`, passes: true },
  { name: 'R203 another version', ifMatch: '"x"', passes: false },
  { name: 'R203 a weak tag is no match for a change', ifMatch: `W/${etag}`, passes: false },
  { name: 'R203 an empty tag', ifMatch: '""', passes: false },
])('$name', ({ ifMatch, passes }) => {
  const act = () => requireMatch(ifMatch, object)

  if (passes) expect(act).not.toThrow()
  else expect(act).toThrow(expect.objectContaining({ code: 'precondition_failed' }))
})

test.for([
  { name: 'R203 a read names the version', header: etag, matches: true },
  { name: 'R203 a read names it weakly, as proxies do', header: `W/${etag}`, matches: true },
  { name: 'R203 a read names any', header: ' * ', matches: true },
  { name: 'R203 a read names others', header: '"a", "b"', matches: false },
  { name: 'R203 a read names nonsense', header: 'a', matches: false },
])('$name', ({ header, matches }) => {
  expect(matchesNoneOf(header, etag)).toBe(matches)
})

test('R203 what is neither * nor quoted is no list of ETags', () => {
  for (const header of ['*', '"a"', 'W/"a"', '"a","b"', ' "a" , W/"b" '])
    expect(isEntityTags(header), header).toBe(true)
  for (const header of ['', 'a', '"a', '"a" "b"', '"a",', '"a b"', '*,"a"', 'w/"a"']) {
    expect(isEntityTags(header), header).toBe(false)
  }
})
