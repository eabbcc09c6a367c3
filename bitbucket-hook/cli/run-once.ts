import { createCaretaker } from '../controller/caretaker.ts'
import { createPass } from '../controller/pass.ts'
import type { PassReport } from '../controller/repository-report.ts'
import type { World } from '../controller/world.ts'

/** Goes over all repositories once, and tries those again a few times that failed for a passing reason. */
export async function runOnce(world: World, workers: number): Promise<PassReport> {
  const caretaker = createCaretaker(world, { workers, tries: 3, firstBackOffMs: 1_000, longestBackOffMs: 30_000 })
  return createPass(world, caretaker).run({ untilSettled: true })
}

/**
 * The exit code (B39, B61). Of a plan: 0 without drift, 2 with drift, 1 where something could not be looked at. Of an
 * apply: 0 where all that may be written is right, 1 where something failed or waits for a confirmation.
 */
export function exitCodeOf({ mode, result, counts }: PassReport): 0 | 1 | 2 {
  if (result === 'failed' || counts.states.failed > 0) return 1
  if (mode === 'plan') return counts.states.drifted > 0 ? 2 : 0
  return result === 'complete' ? 0 : 1
}
