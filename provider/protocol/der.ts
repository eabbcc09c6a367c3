import { Buffer } from 'node:buffer'

/** The few shapes of DER (ITU-T X.690) that a certificate needs. */
export const sequence = (...parts: readonly Buffer[]) => tagged(0x30, ...parts)
export const setOf = (...parts: readonly Buffer[]) => tagged(0x31, ...parts)
export const integer = (bytes: Buffer) => tagged(0x02, bytes)
export const octets = (...parts: readonly Buffer[]) => tagged(0x04, ...parts)
export const text = (value: string) => tagged(0x0c, Buffer.from(value))
export const yes = tagged(0x01, Buffer.from([0xff]))

/** Bits from the left; `unused` of the last byte do not count. */
export function bits(bytes: Buffer, unused: number): Buffer {
  return tagged(0x03, Buffer.from([unused]), bytes)
}

export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

/** UTCTime up to 2049, GeneralizedTime after it (RFC 5280, 4.1.2.5). */
export function time(date: Date): Buffer {
  const digits = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits))
}

export function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(content.length)]), content])
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}

function base128(value: number): number[] {
  const groups = [value & 0x7f]
  for (let rest = value >> 7; rest > 0; rest >>= 7) groups.unshift((rest & 0x7f) | 0x80)
  return groups
}
