import type { Buffer } from 'node:buffer'
import { parseDecimal } from '../framework/numeric.ts'
import type { Numeric, Refinements } from '../framework/value.ts'
import { type MsgpackReader, newMsgpackReader } from './msgpack-reader.ts'
import { type MsgpackWriter, newMsgpackWriter } from './msgpack-writer.ts'
import { readNumber, writeNumber } from './wire-number.ts'

/** The extension code of an unknown value about which something is known; every other code means plainly unknown. */
export const refinedCode = 12

const keys = { nullness: 1, prefix: 2, lower: 3, upper: 4, minLength: 5, maxLength: 6 } as const

/** Reads the body of a refined unknown. What a newer Terraform knows beyond it is left out, as the protocol allows. */
export function readRefinements(bytes: Buffer): Refinements {
  const reader = newMsgpackReader(bytes)
  const head = reader.next()
  const found: { -readonly [K in keyof Refinements]: Refinements[K] } = {}
  for (let left = head.kind === 'map' ? head.count : 0; left > 0; left--) {
    const key = reader.next()
    const code = key.kind === 'int' ? Number(key.value) : 0
    if (code === keys.lower || code === keys.upper) {
      const bound = readBound(reader)
      if (bound) found[code === keys.lower ? 'lower' : 'upper'] = bound
      continue
    }
    const value = reader.next()
    if (code === keys.nullness && value.kind === 'bool' && !value.value) found.notNull = true
    else if (code === keys.prefix && value.kind === 'string') found.prefix = value.value
    else if (code === keys.minLength && value.kind === 'int') found.minLength = Number(value.value)
    else if (code === keys.maxLength && value.kind === 'int') found.maxLength = Number(value.value)
    else if (code < keys.nullness || code > keys.maxLength) break // its length is unknown
  }
  return found
}

function readBound(reader: MsgpackReader): { readonly value: Numeric; readonly inclusive: boolean } | undefined {
  const head = reader.next()
  if (head.kind !== 'array' || head.count !== 2) return undefined
  const value = readNumber(reader.next())
  const inclusive = reader.next()
  return { value: value ?? parseDecimal('0'), inclusive: inclusive.kind === 'bool' && inclusive.value }
}

export function writeRefinements(writer: MsgpackWriter, refinements: Refinements): void {
  const body = newMsgpackWriter()
  const { notNull, prefix, lower, upper, minLength, maxLength } = refinements
  body.map([notNull, prefix, lower, upper, minLength, maxLength].filter((value) => value !== undefined).length)
  if (notNull) {
    body.int(keys.nullness)
    body.bool(false)
  }
  if (prefix !== undefined) {
    body.int(keys.prefix)
    body.string(prefix)
  }
  for (const [key, bound] of [
    [keys.lower, lower],
    [keys.upper, upper],
  ] as const) {
    if (!bound) continue
    body.int(key)
    body.array(2)
    writeNumber(body, bound.value)
    body.bool(bound.inclusive)
  }
  for (const [key, length] of [
    [keys.minLength, minLength],
    [keys.maxLength, maxLength],
  ] as const) {
    if (length === undefined) continue
    body.int(key)
    body.int(length)
  }
  writer.extension(refinedCode, body.finish())
}
