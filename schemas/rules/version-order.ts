/**
 * Compares two versions number by number (B19): 8.7 < 8.10 < 9.0, and 8.0 is 8. What follows the numbers (`-rc1`,
 * `-SNAPSHOT`) does not count. Negative where the left one is older.
 */
export function compareVersions(left: string, right: string): number {
  const lefts = numbersOf(left)
  const rights = numbersOf(right)
  for (let index = 0; index < Math.max(lefts.length, rights.length); index++) {
    const difference = (lefts[index] ?? 0) - (rights[index] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

/** Tells whether `version` is `minimum` or newer. */
export function isAtLeastVersion(version: string, minimum: string): boolean {
  return compareVersions(version, minimum) >= 0
}

function numbersOf(version: string): number[] {
  const numbers = /^\s*v?(\d{1,9}(?:\.\d{1,9})*)/i.exec(version)?.[1] ?? '0'
  return numbers.split('.').map(Number)
}
