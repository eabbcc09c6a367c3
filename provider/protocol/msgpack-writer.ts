import { Buffer } from 'node:buffer'

/** Writes MessagePack token by token. An array or map is its count, followed by its items. */
export interface MsgpackWriter {
  nil(): void
  bool(value: boolean): void
  /** Any integer of 64 bits, signed or unsigned. */
  int(value: number | bigint): void
  double(value: number): void
  string(value: string): void
  binary(value: Uint8Array): void
  array(count: number): void
  map(count: number): void
  extension(code: number, value: Uint8Array): void
  finish(): Buffer
}

export function newMsgpackWriter(): MsgpackWriter {
  let buffer = Buffer.allocUnsafe(512)
  let length = 0
  /** Where the next bytes go. Call it before touching `buffer`, which it may replace by a larger one. */
  const reserve = (size: number): number => {
    const start = length
    length += size
    if (length > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, buffer.length * 2))
      buffer.copy(larger, 0, 0, start)
      buffer = larger
    }
    return start
  }
  const byte = (value: number) => {
    const start = reserve(1)
    buffer[start] = value
  }
  const sized = (head: number, size: 1 | 2 | 4, value: number) => {
    byte(head)
    const start = reserve(size)
    buffer.writeUIntBE(value, start, size)
  }
  /** The smallest of the heads for 8, 16 and 32 bits; a head that does not exist is undefined. */
  const counted = (count: number, small: number | undefined, medium: number, large: number) => {
    if (small !== undefined && count < 0x100) sized(small, 1, count)
    else if (count < 0x10000) sized(medium, 2, count)
    else sized(large, 4, count)
  }
  const bytes = (value: Uint8Array) => {
    const start = reserve(value.length)
    buffer.set(value, start)
  }
  const big = (value: bigint) => {
    byte(value < 0n ? 0xd3 : 0xcf)
    const start = reserve(8)
    if (value < 0n) buffer.writeBigInt64BE(value, start)
    else buffer.writeBigUInt64BE(value, start)
  }
  const negative = (value: number) => {
    if (value >= -0x20) byte(value + 0x100)
    else if (value >= -0x80) sized(0xd0, 1, value + 0x100)
    else if (value >= -0x8000) sized(0xd1, 2, value + 0x10000)
    else if (value >= -0x80000000) sized(0xd2, 4, value + 0x100000000)
    else big(BigInt(value))
  }
  return {
    nil: () => byte(0xc0),
    bool: (value) => byte(value ? 0xc3 : 0xc2),
    int: (value) => {
      if (typeof value === 'bigint') big(value)
      else if (value < 0) negative(value)
      else if (value < 0x80) byte(value)
      else if (value <= 0xffffffff) counted(value, 0xcc, 0xcd, 0xce)
      else big(BigInt(value))
    },
    double: (value) => {
      byte(0xcb)
      const start = reserve(8)
      buffer.writeDoubleBE(value, start)
    },
    string: (value) => {
      const size = Buffer.byteLength(value)
      if (size < 0x20) byte(0xa0 | size)
      else counted(size, 0xd9, 0xda, 0xdb)
      const start = reserve(size)
      buffer.write(value, start)
    },
    binary: (value) => {
      counted(value.length, 0xc4, 0xc5, 0xc6)
      bytes(value)
    },
    array: (count) => {
      if (count < 0x10) byte(0x90 | count)
      else counted(count, undefined, 0xdc, 0xdd)
    },
    map: (count) => {
      if (count < 0x10) byte(0x80 | count)
      else counted(count, undefined, 0xde, 0xdf)
    },
    extension: (code, value) => {
      const power = Math.log2(value.length)
      if (Number.isInteger(power) && power <= 4) byte(0xd4 + power)
      else counted(value.length, 0xc7, 0xc8, 0xc9)
      byte(code & 0xff)
      bytes(value)
    },
    finish: () => buffer.subarray(0, length),
  }
}
