import { relative } from 'node:path'
import type { TestCase, TestModule, TestSuite } from 'vitest/node'
import type { LeftOut } from '../test/support/left-out.ts'

/** What a run of the tests came to. `leftOut` has one line for each suite or test that was not run. */
export interface Summary {
  readonly passed: number
  readonly failed: number
  readonly leftOut: readonly string[]
  /** How many of `leftOut` were left out for another reason than the absence of `../shared`. */
  readonly excusable: boolean
}

/**
 * Counts a finished run. A file, suite or hook that broke counts as one failure, as does each error outside a test:
 * nothing that went wrong leaves the count at `0 failed`.
 */
export function summarise(
  modules: readonly TestModule[],
  unhandledErrors: number,
  recorded: readonly LeftOut[],
  isNarrowedByName: boolean,
): Summary {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const inState = (state: string) => tests.filter((test) => test.result().state === state)
  const broken = modules.flatMap((module) => [module, ...module.children.allSuites()]).filter(isBroken)
  const unexplained = isNarrowedByName
    ? []
    : inState('skipped').filter(
        (test) => !ancestors(test).some((suite) => isBroken(suite) || isRecorded(suite, recorded)),
      )
  return {
    passed: inState('passed').length,
    failed: inState('failed').length + broken.length + unhandledErrors,
    leftOut: [
      ...recorded.map(({ file, suite, reason }) => `left out: ${file}: ${suite}: ${reason}`),
      ...unexplained.map((test) => `left out: ${fileOf(test.module)}: ${test.fullName}: ${reasonOf(test)}`),
    ],
    excusable: unexplained.length === 0 && recorded.every(({ needs }) => needs.every((need) => need === 'shared')),
  }
}

/** The last lines of `npm test`: what was left out and why, then the count alone. */
export function summaryLines(summary: Summary, mayLeaveOut: boolean): string[] {
  const refusal =
    mayLeaveOut || summary.excusable
      ? []
      : ['MOORING_TEST_ALL is set, so leaving out any suite that does not need ../shared is a failure.']
  return [...summary.leftOut, ...refusal, `${summary.passed} passed, ${summary.failed} failed`]
}

/** Whether the run is good: something passed, nothing failed, and nothing was left out that must not be. */
export function isGood(summary: Summary, mayLeaveOut: boolean): boolean {
  return summary.passed > 0 && summary.failed === 0 && (mayLeaveOut || summary.excusable)
}

/** A file that could not be loaded, or a hook that threw: the error is the suite's, and its tests look skipped. */
function isBroken(suite: TestModule | TestSuite): boolean {
  return suite.errors().length > 0
}

function isRecorded(suite: TestModule | TestSuite, recorded: readonly LeftOut[]): boolean {
  if (suite.type !== 'suite') return false
  return recorded.some((leftOut) => leftOut.file === fileOf(suite.module) && leftOut.suite === suite.name)
}

/** As `needs` writes it: from where the tests were started, whatever vitest takes for its root. */
function fileOf(module: TestModule): string {
  return relative(process.cwd(), module.moduleId)
}

function ancestors(test: TestCase): (TestModule | TestSuite)[] {
  const found: (TestModule | TestSuite)[] = []
  for (let parent = test.parent; ; parent = parent.parent) {
    found.push(parent)
    if (parent.type === 'module') return found
  }
}

function reasonOf(test: TestCase): string {
  const result = test.result()
  return (result.state === 'skipped' && result.note) || 'skipped in its file without a reason (see `needs`)'
}
