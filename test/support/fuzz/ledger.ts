import type { OperationId } from '../../../schemas/api.ts'
import { operations } from '../../../schemas/api.ts'
import type { ProblemCode } from '../../../schemas/problem.ts'
import { declaredCodes, judge } from './judge.ts'
import type { WireAnswer, WireRequest } from './requests.ts'

export interface OperationCount {
  sent: number
  /** Answered 2xx. */
  succeeded: number
  /** Went on to the work itself. */
  valid: number
  readonly codes: Map<ProblemCode, number>
}

/** A request whose answer was wrong, and why. */
export interface Finding {
  readonly request: WireRequest
  readonly why: string
}

/** What was sent, and what came of it. */
export interface Ledger {
  readonly counts: ReadonlyMap<OperationId, OperationCount>
  readonly findings: readonly Finding[]
  /** Judges the answer and counts it; `complaints` are what the server logged meanwhile. */
  note(request: WireRequest, answer: WireAnswer, complaints: readonly string[]): ProblemCode | undefined
  /** One more finding. */
  blame(request: WireRequest, why: string): void
  leastSuccessful(ids: readonly OperationId[]): OperationId
  /** Of all requests, the share that went on to the work itself. */
  validShare(): number
  total(): number
  unseenCodes(): ProblemCode[]
  pairs(): number
}

export function createLedger(): Ledger {
  const counts = new Map<OperationId, OperationCount>(
    (Object.keys(operations) as OperationId[]).map((id) => [
      id,
      { sent: 0, succeeded: 0, valid: 0, codes: new Map<ProblemCode, number>() },
    ]),
  )
  const countOf = (id: OperationId) => counts.get(id) as OperationCount
  const sum = (of: (count: OperationCount) => number) =>
    [...counts.values()].reduce((total, each) => total + of(each), 0)
  const findings: Finding[] = []
  return {
    counts,
    findings,
    note: (request, answer, complaints) => {
      const { code, isSuccess, isValid, wrong } = judge(request.operation, answer)
      const count = countOf(request.operation)
      count.sent += 1
      if (isSuccess) count.succeeded += 1
      if (isValid) count.valid += 1
      if (code) count.codes.set(code, (count.codes.get(code) ?? 0) + 1)
      for (const why of [...wrong, ...complaints]) findings.push({ request, why })
      return code
    },
    blame: (request, why) => {
      findings.push({ request, why })
    },
    leastSuccessful: (ids) =>
      ids.reduce((least, id) => (countOf(id).succeeded < countOf(least).succeeded ? id : least)),
    validShare: () => sum(({ valid }) => valid) / sum(({ sent }) => sent),
    total: () => sum(({ sent }) => sent),
    unseenCodes: () => {
      const seen = new Set([...counts.values()].flatMap(({ codes }) => [...codes.keys()]))
      return declaredCodes.filter((code) => !seen.has(code))
    },
    pairs: () => sum(({ codes }) => codes.size),
  }
}
