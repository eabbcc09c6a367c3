import type { Numeric } from './value.ts'

const decimalPattern = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,6}))?$/

/** The plain decimal text of a number, without exponent, superfluous zeros or minus zero: one text for one number. */
export function decimalText(value: Numeric): string {
  const text = String(value)
  const match = decimalPattern.exec(text)
  if (!match || (match[2] === '' && match[3] === '')) return text // Infinity
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  const before = digits.slice(0, Math.max(point, 0)).padEnd(point, '0').replace(/^0+/, '')
  const after = (point < 0 ? '0'.repeat(-point) + digits : digits.slice(point)).replace(/0+$/, '')
  const plain = (before || '0') + (after && `.${after}`)
  return sign === '-' && plain !== '0' ? `-${plain}` : plain
}

/** The number that a decimal text stands for, as the simplest kind that is exact. */
export function parseDecimal(text: string): Numeric {
  const plain = decimalText(text)
  const number = Number(plain)
  if (/^-?\d+$/.test(plain)) return Number.isSafeInteger(number) ? number : BigInt(plain)
  return decimalText(number) === plain ? number : plain
}

/** The exact value of a binary floating point number, which its shortest decimal often is not. */
export function fromDouble(double: number): Numeric {
  if (!Number.isFinite(double)) return double
  if (Number.isInteger(double)) return Number.isSafeInteger(double) ? double + 0 : BigInt(double)
  let [scaled, twos] = [double, 0]
  while (!Number.isInteger(scaled)) [scaled, twos] = [scaled * 2, twos + 1]
  // x = scaled / 2^twos = scaled * 5^twos / 10^twos
  return parseDecimal(`${BigInt(scaled) * 5n ** BigInt(twos)}e-${twos}`)
}
