import type { Diagnostics } from '../framework/diagnostics.ts'

/** Warns about the stacks that a change of the server has just detached. */
export function warnAboutDetached(diagnostics: Diagnostics, cause: string, detached: readonly string[]): void {
  if (detached.length === 0) return
  diagnostics.warning(
    'Stacks were detached',
    `${cause} These stacks refuse events and runs until they are attached to an integration they may use: ${detached.join(', ')}.`,
  )
}

/** The value that was read, or null where there is nothing and the configuration left it out. */
export function nullIfUnset<T>(current: T | null, read: T, empty: T): T | null {
  return current === null && read === empty ? null : read
}
