import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseStrictJson, StrictJsonError } from '../../../server/core/strict-json.ts'

const limits = { depth: 8 }

function pointerOf(text: string): string | undefined {
  try {
    parseStrictJson(Buffer.from(text), limits)
    return undefined
  } catch (error) {
    if (error instanceof StrictJsonError) return error.pointer
    throw error
  }
}

describe('doubled names', () => {
  test.for([
    { name: 'at the top', text: '{"eventKey":"a","x":1,"eventKey":"b"}', pointer: '/eventKey' },
    { name: 'written with an escape', text: '{"eventKey":"a","event\\u004bey":"b"}', pointer: '/eventKey' },
    { name: 'inside an object', text: '{"a":{"id":1,"b":[],"id":2}}', pointer: '/a/id' },
    { name: 'inside an array', text: '{"a":[{"x":1},[0,{"y":1,"y":1}]]}', pointer: '/a/1/1/y' },
    { name: 'with a name that a pointer escapes', text: '{"a/b":{"~":1,"~":2}}', pointer: '/a~1b/~0' },
    { name: 'with the empty name', text: '{"":1,"":2}', pointer: '/' },
    { name: 'with a prototype name', text: '{"__proto__":1,"__proto__":2}', pointer: '/__proto__' },
    { name: 'with blanks between', text: '{ "a" : 1 ,\n\t"a" : 2 }', pointer: '/a' },
  ])('S1 a name that occurs twice $name is refused with its place', ({ text, pointer }) => {
    expect(pointerOf(text)).toBe(pointer)
  })

  test.for([
    '{"a":"a","b":"a"}',
    '{"a":["a","a"],"b":{"a":1}}',
    '{"a":"\\"a\\":1,","b":"}{"}',
    '[{"a":1},{"a":2}]',
    '"a"',
    '{"a":{},"b":[],"c":{"a":null}}',
  ])('S1 %s has no doubled name', (text) => {
    expect(pointerOf(text)).toBeUndefined()
  })

  test('S1 what JSON.stringify writes is read as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value)
        expect(parseStrictJson(Buffer.from(text), limits)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('S1 a name added a second time to any object is found', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (name, first, second) => {
        const member = JSON.stringify(name)
        const text = `{"outer":[{${member}:${JSON.stringify(first)},${member}:${JSON.stringify(second)}}]}`
        expect(pointerOf(text)).toMatch(/^\/outer\/0\//)
      }),
    )
  })
})

test.for([
  { name: 'text that is not JSON', bytes: Buffer.from('{"a":') },
  { name: 'an open string', bytes: Buffer.from('"abc') },
  { name: 'bytes that are not UTF-8', bytes: Buffer.from([0x22, 0xff, 0xfe, 0x22]) },
  { name: 'an empty body', bytes: Buffer.alloc(0) },
  { name: 'nine levels where eight are allowed', bytes: Buffer.from('[[[[[[[[[]]]]]]]]]') },
  { name: 'a million open brackets', bytes: Buffer.from('['.repeat(1_000_000)) },
])('R33 $name is refused without its content in the message', ({ bytes }) => {
  expect(() => parseStrictJson(bytes, limits)).toThrow(StrictJsonError)
  expect(() => parseStrictJson(bytes, limits)).toThrow(/^(not UTF-8|not JSON|nested deeper than 8)$/)
})

test('R33 brackets inside strings are no nesting', () => {
  expect(parseStrictJson(Buffer.from(JSON.stringify(['[[[[[[[[[[[[\\"'])), limits)).toEqual(['[[[[[[[[[[[[\\"'])
})
