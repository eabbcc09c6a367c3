import { Buffer } from 'node:buffer'
import { decode, ExtData, ExtensionCodec, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalValues } from '../../../provider/framework/equality.ts'
import { parseDecimal } from '../../../provider/framework/numeric.ts'
import type { Type } from '../../../provider/framework/type.ts'
import { isUnknown, refinedUnknown, unknown, type Value } from '../../../provider/framework/value.ts'
import { decodeJson, parseLossless } from '../../../provider/protocol/json-value.ts'
import { newMsgpackWriter } from '../../../provider/protocol/msgpack-writer.ts'
import { decodeMsgpack, encodeMsgpack } from '../../../provider/protocol/wire-value.ts'
import { anyType, anyValue } from '../../support/value-arbitraries.ts'

const typedValue = anyType.chain((type) => anyValue(type, { unknowns: true }).map((value) => ({ type, value })))

describe('MessagePack', () => {
  test('R139a trap 6: what is written is read back, number by number and refinement by refinement', () => {
    fc.assert(
      fc.property(typedValue, ({ type, value }) => {
        const read = decodeMsgpack(encodeMsgpack(value, type), type)

        expect(read).toEqual(value)
        expect(equalValues(read, value, type)).toBe(true)
      }),
      { numRuns: 1500 },
    )
  })

  test('is understood by an independent MessagePack library', () => {
    const type: Type = ['object', { text: 'string', list: ['list', 'number'], on: 'bool', gone: 'string' }]
    fc.assert(
      fc.property(fc.string(), fc.array(fc.maxSafeInteger(), { maxLength: 20 }), fc.boolean(), (text, list, on) => {
        const value = { text, list, on, gone: null }

        expect(decode(encodeMsgpack(value, type))).toEqual(value)
        expect(decodeMsgpack(encode(value), type)).toEqual(value)
      }),
    )
  })

  test.each([
    { name: 'a short string', value: 'a' },
    { name: 'a string of 32 bytes', value: 'a'.repeat(32) },
    { name: 'a string of 300 bytes', value: 'ä'.repeat(150) },
    { name: 'a string of 70,000 bytes', value: 'a'.repeat(70_000) },
  ])('reads and writes $name as the library does', ({ value }) => {
    expect(encodeMsgpack(value, 'string')).toEqual(Buffer.from(encode(value)))
    expect(decodeMsgpack(encode(value), 'string')).toBe(value)
  })

  test.each([16, 70_000])('reads and writes a list and a map of %d elements', (count) => {
    const list = Array.from({ length: count }, (_, index) => String(index))
    const map = Object.fromEntries(list.map((key) => [key, key]))

    expect(decode(encodeMsgpack(list, ['list', 'string']))).toEqual(list)
    expect(decodeMsgpack(encode(list), ['list', 'string'])).toEqual(list)
    expect(decodeMsgpack(encodeMsgpack(map, ['map', 'string']), ['map', 'string'])).toEqual(map)
    expect(decodeMsgpack(encode(map), ['map', 'string'])).toEqual(map)
  })

  test('R139a trap 6: sends fractions as decimal text and integers as integers', () => {
    expect(decode(encodeMsgpack(0.1, 'number'))).toBe('0.1')
    expect(decode(encodeMsgpack(1e-7, 'number'))).toBe('0.0000001')
    expect(decode(encodeMsgpack(9007199254740993n, 'number'), { useBigInt64: true })).toBe(9007199254740993n)
    expect(decode(encodeMsgpack(18446744073709551615n, 'number'), { useBigInt64: true })).toBe(18446744073709551615n)
    expect(decode(encodeMsgpack(18446744073709551616n, 'number'))).toBe('18446744073709551616')
    expect(decode(encodeMsgpack(Number.POSITIVE_INFINITY, 'number'))).toBe(Number.POSITIVE_INFINITY)
  })

  test('R139a trap 6: reads a double as exactly what it is', () => {
    expect(decodeMsgpack(encode(0.5), 'number')).toBe(0.5)
    expect(decodeMsgpack(encode(0.1), 'number')).toBe('0.1000000000000000055511151231257827021181583404541015625')
    expect(decodeMsgpack(encode(1e30), 'number')).toBe(1000000000000000019884624838656n)
  })

  test.each([0, 1, 5, 127])('reads extension %d as an unknown value', (code) => {
    const codec = new ExtensionCodec()
    codec.register({
      type: code,
      encode: (value) => (value instanceof ExtData ? new Uint8Array([0]) : null),
      decode: () => null,
    })

    const value = decodeMsgpack(encode(new ExtData(code, new Uint8Array([0])), { extensionCodec: codec }), 'string')

    expect(isUnknown(value)).toBe(true)
  })

  test('R139a trap 10: keeps what is known about an unknown value, and skips what a newer Terraform knows', () => {
    const body = newMsgpackWriter()
    body.map(3)
    body.int(1)
    body.bool(false)
    body.int(2)
    body.string('https://')
    body.int(99)
    body.string('later')
    const writer = newMsgpackWriter()
    writer.extension(12, body.finish())

    expect(decodeMsgpack(writer.finish(), 'string')).toEqual(refinedUnknown({ notNull: true, prefix: 'https://' }))
  })

  test('R139a trap 7: writes every attribute of an object, null where the value says nothing', () => {
    const type: Type = ['object', { a: 'string', b: ['list', 'string'] }]

    expect(decode(encodeMsgpack({}, type))).toEqual({ a: null, b: null })
  })

  test('names what does not fit, without showing it', () => {
    expect(() => decodeMsgpack(encode('hunter2'), 'bool')).toThrow('Terraform sent string where the type is "bool"')
    expect(() => decodeMsgpack(encode({ other: 1 }), ['object', { a: 'string' }])).toThrow('no attribute "other"')
    expect(() => decodeMsgpack(encode('cut').subarray(0, 2), 'string')).toThrow(RangeError)
    expect(() => encodeMsgpack(3, 'string')).toThrow('does not fit the type string')
  })
})

describe('JSON', () => {
  test('R139a trap 5: parses any JSON as JSON.parse does where that loses nothing', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const numbersAreExact = !/\d{16}|\d[eE]|\d\.\d/.test(text)
        fc.pre(numbersAreExact)

        expect(parseLossless(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('R139a trap 5: never touches strings, whatever is in them', () => {
    fc.assert(
      fc.property(fc.string(), fc.bigInt(), (text, big) => {
        expect(parseLossless(JSON.stringify({ text: `${text} 1.0 ${big}${big}`, more: 1.5 }))).toEqual({
          text: `${text} 1.0 ${big}${big}`,
          more: 1.5,
        })
      }),
    )
  })

  test('R139a trap 5: reads numbers from state to the last digit', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.nat(), (whole, fraction) => {
        const text = `{"n":${whole},"f":${whole}.${fraction}}`

        const value = decodeJson(parseLossless(text), ['object', { n: 'number', f: 'number' }])

        expect(value).toEqual({ n: parseDecimal(String(whole)), f: parseDecimal(`${whole}.${fraction}`) })
      }),
    )
  })

  test('converts primitives whose type changed, as Terraform does', () => {
    expect(decodeJson(7, 'string')).toBe('7')
    expect(decodeJson('7', 'number')).toBe(7)
    expect(decodeJson('true', 'bool')).toBe(true)
    expect(() => decodeJson([1], 'string')).toThrow('The state has an array where the type is string')
  })
})

describe('numbers', () => {
  test('one number has one text', () => {
    expect(['1', '1.0', '01', '1e0', '10e-1', '0.1e1'].map((text) => parseDecimal(text))).toEqual([1, 1, 1, 1, 1, 1])
    expect(['-0', '0.0', '0e9'].map((text) => parseDecimal(text))).toEqual([0, 0, 0])
    expect(parseDecimal('1e400')).toBe(10n ** 400n)
    expect(parseDecimal('0.30000000000000000001')).toBe('0.30000000000000000001')
  })

  test('sets have no order and no duplicates', () => {
    const type: Type = ['set', ['object', { n: 'number' }]]
    const [a, b]: Value[] = [
      [{ n: 1 }, { n: '2.50' }],
      [{ n: 2.5 }, { n: 1n }, { n: 1 }],
    ]

    expect(equalValues(a ?? null, b ?? null, type)).toBe(true)
    expect(equalValues(a ?? null, [{ n: 1 }, unknown], type)).toBe(false)
  })
})
