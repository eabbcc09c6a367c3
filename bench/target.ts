/** What a bench is asked for. A smoke run only shows that it works: its figures mean nothing. */
export interface BenchOptions {
  readonly smoke: boolean
}

/** Measures, and judges each of its targets. */
export type Bench = (options: BenchOptions) => Promise<TargetResult[]>

export type Goal = `${'>=' | '<=' | '<'}${number}`

/** One target of one run, and one JSON line of `npm run bench -- NAME --json`. */
export interface TargetResult {
  /** `<bench>.<what>.<figure>` */
  readonly target: string
  /** The median of the rounds. */
  readonly value: number
  readonly goal: Goal
  readonly met: boolean
  /** What ran in turn with ours in the same call; for a figure that stands alone, where it was read. */
  readonly peer: string
  readonly rounds: number
  /** The quarter points of the rounds: half of them lie between. */
  readonly spread: readonly [number, number]
}

/** Judges a target by its rounds, of which there is at least one. */
export function judge(target: string, goal: Goal, peer: string, rounds: readonly number[]): TargetResult {
  const value = rounded(quantile(rounds, 0.5))
  const spread = [rounded(quantile(rounds, 0.25)), rounded(quantile(rounds, 0.75))] as const
  return { target, value, goal, met: meets(value, goal), peer, rounds: rounds.length, spread }
}

function meets(value: number, goal: Goal): boolean {
  if (goal.startsWith('>=')) return value >= Number(goal.slice(2))
  if (goal.startsWith('<=')) return value <= Number(goal.slice(2))
  return value < Number(goal.slice(1))
}

/** The value below which `share` of the values lie, read off the straight line between its two neighbours. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined) throw new Error('There is no quantile of no values.')
  return below + (above - below) * (place - Math.floor(place))
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Three digits tell all that a noisy machine can. */
function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
