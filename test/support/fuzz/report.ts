import type { OperationId } from '../../../schemas/api.ts'
import type { ProblemCode } from '../../../schemas/problem.ts'
import { declaredPairs } from './judge.ts'
import type { WireRequest } from './requests.ts'
import type { FuzzRun } from './run.ts'

/** What R204 asks of a run, in figures. */
export interface FuzzReport {
  readonly requests: number
  readonly seconds: number
  /** Of the made-up requests, those that went on to the work itself: they and their callers were as they must be. */
  readonly validPercent: number
  /** How often the operation that succeeded least was answered 2xx. */
  readonly fewestSuccesses: number
  readonly provoked: number
  /** Codes that some operation declares, and nobody saw. */
  readonly unseenCodes: readonly ProblemCode[]
  /** Of all pairs of an operation and a code that it declares, those that were seen. */
  readonly seenPairs: number
  readonly declaredPairs: number
  /** One line for each answer that was wrong. */
  readonly wrong: readonly string[]
  /** Their requests, for the corpus. */
  readonly failing: readonly WireRequest[]
  /** Of each operation: made-up requests, those that were valid, those that were answered 2xx, and codes seen. */
  readonly operations: Readonly<Record<OperationId, readonly [number, number, number, number]>>
}

export function reportOf({ random, provoked, failing, secondsOfRandom }: FuzzRun): FuzzReport {
  const seen = new Map([...random.counts].map(([id, { codes }]) => [id, new Set(codes.keys())]))
  for (const [id, { codes }] of provoked.counts) for (const code of codes.keys()) seen.get(id)?.add(code)
  const provokedUnseen = new Set(provoked.unseenCodes())
  const counts = [...random.counts]
  return {
    requests: random.total(),
    seconds: secondsOfRandom,
    validPercent: Math.round(1_000 * random.validShare()) / 10,
    fewestSuccesses: Math.min(...counts.map(([, { succeeded }]) => succeeded)),
    provoked: provoked.total(),
    unseenCodes: random.unseenCodes().filter((code) => provokedUnseen.has(code)),
    seenPairs: [...seen.values()].reduce((sum, codes) => sum + codes.size, 0),
    declaredPairs,
    wrong: [...random.findings, ...provoked.findings].map(
      ({ request, why }) =>
        `${request.operation} as ${request.caller}: ${why}: ${request.method} ${request.path.slice(0, 300)} ${JSON.stringify(request.headers).slice(0, 300)} ${request.body?.slice(0, 500) ?? ''}`,
    ),
    failing,
    operations: Object.fromEntries(
      counts.map(([id, { sent, valid, succeeded }]) => [id, [sent, valid, succeeded, seen.get(id)?.size ?? 0]]),
    ) as unknown as FuzzReport['operations'],
  }
}
