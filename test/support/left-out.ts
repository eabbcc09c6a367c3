import { appendFileSync, existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { describe, expect } from 'vitest'
import { explainMissing, findProgram, type ProgramName } from './programs.ts'

/** What a suite may need besides node_modules: a program, a PostgreSQL server, or the material in `../shared`. */
export type Need = ProgramName | 'shared'

/** One suite that was not run, as a line of the file that `MOORING_LEFT_OUT` names. */
export interface LeftOut {
  readonly file: string
  readonly suite: string
  readonly needs: readonly Need[]
  readonly reason: string
}

/**
 * Declares a suite that needs something the machine may lack: `needs('terraform', 'git')('a push …', () => { … })`.
 * Where all of it is there this is `describe`. Where something is missing the suite is skipped, and `npm test` ends
 * with a line that says which and why.
 */
export function needs(...wanted: readonly [Need, ...Need[]]): (suite: string, body: () => void) => void {
  const missing = wanted.filter((need) => lacks(need))
  return (suite, body) => {
    if (missing.length === 0) {
      describe(suite, body)
      return
    }
    recordLeftOut(suite, missing)
    describe.skip(suite, body)
  }
}

/** Whether the machine lacks it; for a choice inside a suite that records nothing. */
export function lacks(need: Need): boolean {
  return need === 'shared' ? !existsSync(sharedPath()) : findProgram(need) === undefined
}

/** The folder of reference material beside the checkout (or where `MOORING_SHARED` says), or a path inside it. */
export function sharedPath(...parts: readonly string[]): string {
  return resolve(process.cwd(), process.env.MOORING_SHARED ?? '../shared', ...parts)
}

/** Notes that part of the current test file was not run; `needs` calls it for whole suites. */
export function recordLeftOut(suite: string, missing: readonly Need[]): void {
  const path = expect.getState().testPath
  const leftOut: LeftOut = {
    file: path === undefined ? 'unknown file' : relative(process.cwd(), path),
    suite,
    needs: missing,
    reason: missing.map((need) => explain(need)).join('; '),
  }
  const record = process.env.MOORING_LEFT_OUT
  // Without `npm test` there is no summary to print it, so it is said at once.
  if (record === undefined) process.stderr.write(`left out: ${leftOut.file}: ${suite}: ${leftOut.reason}\n`)
  else appendFileSync(record, `${JSON.stringify(leftOut)}\n`)
}

function explain(need: Need): string {
  return need === 'shared' ? 'the folder ../shared with reference data is not there' : explainMissing(need)
}
