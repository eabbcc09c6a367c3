/** One request of a fault run, and what was answered. Times are of the monotonic clock, in milliseconds. */
export interface Call {
  readonly kind: 'delivery' | 'write' | 'read'
  /** The delivery's request id, or the name of what was to be written. */
  readonly key: string
  /** SHA-256 of a delivery's body. */
  readonly digest: string
  readonly sentAt: number
  readonly answeredAt: number
  /** 0 when no whole answer came. */
  readonly status: number
  readonly retryAfter: string | undefined
  /** The problem's code, where the API answered one. */
  readonly code: string | undefined
}

/** What the tables hold, read without the product. */
export interface Stored {
  readonly deliveries: readonly { readonly key: string; readonly digest: string; readonly state: string }[]
  /** The names of written objects, one for each row. */
  readonly written: readonly string[]
  /** How often the audit says that an object was made, by name. */
  readonly audited: ReadonlyMap<string, number>
  /** How many repeats were counted; nothing was sent twice. */
  readonly repeats: number
}

export interface Judgement {
  readonly acknowledged: number
  readonly refused: number
  readonly acknowledgedWrites: number
  readonly refusedWrites: number
  readonly lost: number
  readonly doubled: number
  readonly unprocessed: number
  /** Answers other than success and a 503 that says when to come back. */
  readonly wrongAnswers: readonly string[]
  readonly longestAnswerSeconds: number
  /** The longest time without an acknowledged delivery. */
  readonly gapSeconds: number
}

/** Compares what was acknowledged with what is there. It knows nothing of how the server works. */
export function judge(calls: readonly Call[], stored: Stored): Judgement {
  const deliveries = calls.filter(({ kind }) => kind === 'delivery')
  const writes = calls.filter(({ kind }) => kind === 'write')
  const acknowledged = deliveries.filter(({ status }) => status === 202)
  const acknowledgedWrites = writes.filter(({ status }) => status === 201)
  const bodies = new Map<string, string[]>()
  for (const { key, digest } of stored.deliveries) bodies.set(key, [...(bodies.get(key) ?? []), digest])
  const rows = new Map<string, number>()
  for (const name of stored.written) rows.set(name, (rows.get(name) ?? 0) + 1)

  const lostDeliveries = acknowledged.filter(({ key, digest }) => !bodies.get(key)?.includes(digest))
  const lostWrites = acknowledgedWrites.filter(({ key }) => !rows.has(key) || !stored.audited.has(key))
  const doubledDeliveries = [...bodies.values()].filter((each) => each.length > 1)
  const doubledWrites = writes.filter(({ key }) => (rows.get(key) ?? 0) > 1 || (stored.audited.get(key) ?? 0) > 1)
  return {
    acknowledged: acknowledged.length,
    refused: deliveries.filter(({ status }) => status === 503).length,
    acknowledgedWrites: acknowledgedWrites.length,
    refusedWrites: writes.filter(({ status }) => status === 503).length,
    lost: lostDeliveries.length + lostWrites.length,
    doubled: doubledDeliveries.length + doubledWrites.length + stored.repeats,
    unprocessed: stored.deliveries.filter(({ state }) => state !== 'processed').length,
    wrongAnswers: [
      ...new Set(calls.filter(isWrong).map(({ kind, status, code }) => `${kind} ${status} ${code ?? ''}`)),
    ],
    longestAnswerSeconds: seconds(Math.max(...calls.map(({ sentAt, answeredAt }) => answeredAt - sentAt))),
    gapSeconds: seconds(longestGap(acknowledged.map(({ answeredAt }) => answeredAt))),
  }
}

/** The codes of a 503 that the database's state explains. */
const passing: ReadonlySet<string | undefined> = new Set(['database_unavailable', 'disk_space_low'])
const successes = { delivery: 202, write: 201, read: 200 } as const

function isWrong({ kind, status, retryAfter, code }: Call): boolean {
  if (status === successes[kind]) return false
  const saysWhen = status === 503 && retryAfter !== undefined
  return !saysWhen || (kind !== 'delivery' && !passing.has(code))
}

function longestGap(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b)
  return Math.max(0, ...sorted.slice(1).map((time, index) => time - (sorted[index] ?? time)))
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 10) / 100
}
