import { decimalText, fromDouble, parseDecimal } from '../framework/numeric.ts'
import type { Numeric } from '../framework/value.ts'
import type { Token } from './msgpack-reader.ts'
import type { MsgpackWriter } from './msgpack-writer.ts'

/** A number comes as an integer, as a double where that is exact, and else as decimal text. Undefined: none of these. */
export function readNumber(token: Token): Numeric | undefined {
  if (token.kind === 'int') return token.value
  if (token.kind === 'float') return fromDouble(token.value)
  return token.kind === 'string' ? parseDecimal(token.value) : undefined
}

/** Fractions go out as decimal text, which is exact for all of them (trap 6): 0.1 as a double would be another number. */
export function writeNumber(writer: MsgpackWriter, value: Numeric): void {
  if (typeof value === 'number' && Number.isSafeInteger(value)) writer.int(value)
  else if (typeof value === 'bigint' && value >= -(2n ** 63n) && value < 2n ** 64n) writer.int(value)
  else if (typeof value === 'number' && !Number.isFinite(value)) writer.double(value)
  else writer.string(decimalText(value))
}
