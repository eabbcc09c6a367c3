import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** The clock of one process, which can be set while it runs. What it measures durations with stays right. */
export interface WrongClock {
  /** What is put in front of the program. */
  readonly wrap: readonly string[]
  /** `+5m`, `-10y`, `+0`: from the true time. */
  set(offset: string): void
}

/** Makes a clock that is off by so much; libfaketime has to be installed. */
export function createWrongClock(offset: string): WrongClock {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-clock-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'offset')
  const set = (next: string) => writeFileSync(file, next)
  set(offset)
  const settings = [`FAKETIME_TIMESTAMP_FILE=${file}`, 'FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1']
  return { wrap: ['env', `LD_PRELOAD=${findLibrary()}`, ...settings], set }
}

/** The library beside the command, wherever this Debian keeps libraries. */
function findLibrary(): string {
  for (const folder of readdirSync('/usr/lib', { withFileTypes: true })) {
    const library = join('/usr/lib', folder.name, 'faketime')
    if (folder.isDirectory() && isThere(library)) return join(library, 'libfaketimeMT.so.1')
  }
  throw new Error('libfaketime was not found beside the command faketime.')
}

function isThere(folder: string): boolean {
  try {
    return readdirSync(folder).includes('libfaketimeMT.so.1')
  } catch {
    return false
  }
}
