import type { Buffer } from 'node:buffer'

/** What one MessagePack token starts. Strings and binaries are read whole, arrays and maps only counted. */
export type Token =
  | { readonly kind: 'nil' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: number | bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'binary'; readonly value: Buffer }
  | { readonly kind: 'array'; readonly count: number }
  | { readonly kind: 'map'; readonly count: number }
  | { readonly kind: 'extension'; readonly code: number; readonly value: Buffer }

/** Reads MessagePack token by token: https://github.com/msgpack/msgpack/blob/master/spec.md */
export interface MsgpackReader {
  /** The next token. Throws a RangeError where the bytes end. */
  next(): Token
  isAtEnd(): boolean
}

const nil: Token = { kind: 'nil' }
const yes: Token = { kind: 'bool', value: true }
const no: Token = { kind: 'bool', value: false }

export function newMsgpackReader(bytes: Buffer): MsgpackReader {
  let offset = 0
  const advance = (size: number): number => {
    const start = offset
    if (start + size > bytes.length) throw new RangeError('MessagePack ends in the middle of a value')
    offset += size
    return start
  }
  const unsigned = (size: 1 | 2 | 4): number => bytes.readUIntBE(advance(size), size)
  const binary = (length: number): Buffer => {
    const start = advance(length)
    return bytes.subarray(start, start + length)
  }
  const string = (length: number): Token => {
    const start = advance(length)
    return { kind: 'string', value: bytes.toString('utf8', start, start + length) }
  }
  const extension = (length: number): Token => {
    const code = bytes.readInt8(advance(1))
    return { kind: 'extension', code, value: binary(length) }
  }
  const big = (value: bigint): Token => {
    const number = Number(value)
    return { kind: 'int', value: Number.isSafeInteger(number) ? number : value }
  }
  const next = (): Token => {
    const head = unsigned(1)
    if (head < 0x80) return { kind: 'int', value: head }
    if (head < 0x90) return { kind: 'map', count: head & 0x0f }
    if (head < 0xa0) return { kind: 'array', count: head & 0x0f }
    if (head < 0xc0) return string(head & 0x1f)
    if (head >= 0xe0) return { kind: 'int', value: head - 0x100 }
    switch (head) {
      case 0xc0:
        return nil
      case 0xc2:
        return no
      case 0xc3:
        return yes
      case 0xc4:
        return { kind: 'binary', value: binary(unsigned(1)) }
      case 0xc5:
        return { kind: 'binary', value: binary(unsigned(2)) }
      case 0xc6:
        return { kind: 'binary', value: binary(unsigned(4)) }
      case 0xc7:
        return extension(unsigned(1))
      case 0xc8:
        return extension(unsigned(2))
      case 0xc9:
        return extension(unsigned(4))
      case 0xca:
        return { kind: 'float', value: bytes.readFloatBE(advance(4)) }
      case 0xcb:
        return { kind: 'float', value: bytes.readDoubleBE(advance(8)) }
      case 0xcc:
        return { kind: 'int', value: unsigned(1) }
      case 0xcd:
        return { kind: 'int', value: unsigned(2) }
      case 0xce:
        return { kind: 'int', value: unsigned(4) }
      case 0xcf:
        return big(bytes.readBigUInt64BE(advance(8)))
      case 0xd0:
        return { kind: 'int', value: bytes.readInt8(advance(1)) }
      case 0xd1:
        return { kind: 'int', value: bytes.readInt16BE(advance(2)) }
      case 0xd2:
        return { kind: 'int', value: bytes.readInt32BE(advance(4)) }
      case 0xd3:
        return big(bytes.readBigInt64BE(advance(8)))
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return extension(1 << (head - 0xd4))
      case 0xd9:
        return string(unsigned(1))
      case 0xda:
        return string(unsigned(2))
      case 0xdb:
        return string(unsigned(4))
      case 0xdc:
        return { kind: 'array', count: unsigned(2) }
      case 0xdd:
        return { kind: 'array', count: unsigned(4) }
      case 0xde:
        return { kind: 'map', count: unsigned(2) }
      case 0xdf:
        return { kind: 'map', count: unsigned(4) }
      default:
        throw new RangeError(`MessagePack has no value that starts with 0x${head.toString(16)}`)
    }
  }
  return { next, isAtEnd: () => offset === bytes.length }
}
