import { randomFillSync } from 'node:crypto'

const counterLimit = 4_096
const pool = Buffer.alloc(8 * 512)
let unused = pool.length

// The order must hold for the whole process, whoever asks: hence one state for the module.
let lastTime = 0
let counter = 0

/**
 * Makes a UUIDv7 (RFC 9562) of the millisecond `now`. Each is greater than the one before it, in this process, as text
 * and as bytes: within one millisecond a counter follows the time, and a clock that goes backwards is not followed.
 */
export function uuidv7(now: number): string {
  if (now > lastTime) {
    lastTime = now
    counter = 0
  } else if (++counter === counterLimit) {
    lastTime += 1
    counter = 0
  }
  if (unused === pool.length) {
    randomFillSync(pool)
    unused = 0
  }
  const time = lastTime.toString(16).padStart(12, '0')
  const ordered = (0x7000 + counter).toString(16)
  const variant = ((pool.readUInt16BE(unused) & 0x3fff) | 0x8000).toString(16)
  const random = pool.toString('hex', unused + 2, unused + 8)
  unused += 8
  return `${time.slice(0, 8)}-${time.slice(8)}-${ordered}-${variant}-${random}`
}

/** The millisecond in which a UUIDv7 was made. */
export function timeOfUuidv7(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
