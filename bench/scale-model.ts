/** What the load model rests on. Nothing here was measured on somebody's installation: change what you know better. */
export const assumptions = {
  pushesPerDay: { value: 2, meaning: 'pushes per attached repository and working day' },
  openPullRequestShare: { value: 0.45, meaning: 'share of pushes whose branch has an open pull request' },
  pullRequestEventsPerDay: { value: 3, meaning: 'further pull request events per repository and day' },
  stacksPerRepository: { value: 2.15, meaning: 'stacks attached to a repository, in the mean' },
  affectedStacksPerPush: { value: 0.8, meaning: 'stacks that a push affects, in the mean' },
  stateChangesPerRun: { value: 8, meaning: 'state changes of a run' },
  peakHourShareRegional: { value: 0.15, meaning: 'share of the day’s load in the busiest hour, one time zone' },
  peakHourShareWorldwide: { value: 0.06, meaning: 'the same where people work around the clock' },
  peakSecondFactor: { value: 5, meaning: 'the busiest second, as a multiple of the busiest hour’s mean' },
  bodyBytes: { value: 5_900, meaning: 'size of a delivery’s body' },
  compressedShare: { value: 0.35, meaning: 'what lz4 leaves of a body' },
  daysKept: { value: 7, meaning: 'days that deliveries are kept' },
  callsPerPushNaive: { value: 10.9, meaning: 'calls to Bitbucket per push, nothing shared or skipped' },
  callsPerPushBest: { value: 2.9, meaning: 'calls to Bitbucket per push, with every lever' },
  sweepCallsPerSecond: { value: 1, meaning: 'webhook checks per second and Bitbucket' },
  repositoriesPerProject: { value: 25, meaning: 'repositories of a Bitbucket project' },
} as const

export type Assumptions = { readonly [Name in keyof typeof assumptions]: number }

/** An installation, as far as the model looks at it. */
export interface Size {
  readonly repositories: number
  readonly bitbuckets: number
  readonly isWorldwide: boolean
}

const sizes: readonly (Size & { readonly name: string })[] = [
  { name: 'team', repositories: 200, bitbuckets: 1, isWorldwide: false },
  { name: 'enterprise', repositories: 20_000, bitbuckets: 2, isWorldwide: false },
  { name: 'internet', repositories: 2_000_000, bitbuckets: 500, isWorldwide: true },
]

/** The load of one size of installation, computed. Rates are per second, times in seconds, sizes in bytes. */
export interface Load {
  readonly stacks: number
  readonly deliveriesPerDay: number
  readonly deliveriesPerPeakSecondOfHour: number
  readonly deliveriesInPeakSecond: number
  readonly runsPerDay: number
  readonly runStateChangesPerSecond: number
  readonly bodyBytesPerDay: number
  readonly compressedBytesPerDay: number
  readonly deliveriesKept: number
  readonly bitbucketCallsNaive: number
  readonly bitbucketCallsBest: number
  readonly sweepSeconds: number
  readonly projectSweepSeconds: number
}

/** Computes the load of an installation from the assumptions. Calls and sweeps are per Bitbucket instance. */
export function loadOf({ repositories, bitbuckets, isWorldwide }: Size, given: Assumptions): Load {
  const peakHourShare = isWorldwide ? given.peakHourShareWorldwide : given.peakHourShareRegional
  const inPeakHour = (perDay: number) => (perDay * peakHourShare) / 3_600
  const pushes = repositories * given.pushesPerDay
  const deliveries = pushes * (1 + given.openPullRequestShare) + repositories * given.pullRequestEventsPerDay
  const runs = pushes * given.affectedStacksPerPush
  const sweep = repositories / bitbuckets / given.sweepCallsPerSecond
  return {
    stacks: repositories * given.stacksPerRepository,
    deliveriesPerDay: deliveries,
    deliveriesPerPeakSecondOfHour: inPeakHour(deliveries),
    deliveriesInPeakSecond: inPeakHour(deliveries) * given.peakSecondFactor,
    runsPerDay: runs,
    runStateChangesPerSecond: inPeakHour(runs * given.stateChangesPerRun),
    bodyBytesPerDay: deliveries * given.bodyBytes,
    compressedBytesPerDay: deliveries * given.bodyBytes * given.compressedShare,
    deliveriesKept: deliveries * given.daysKept,
    bitbucketCallsNaive: inPeakHour((pushes / bitbuckets) * given.callsPerPushNaive),
    bitbucketCallsBest: inPeakHour((pushes / bitbuckets) * given.callsPerPushBest),
    sweepSeconds: sweep,
    projectSweepSeconds: sweep / given.repositoriesPerProject,
  }
}

const rows: readonly (readonly [string, (load: Load) => string])[] = [
  ['stacks', (load) => amount(load.stacks)],
  ['deliveries per day', (load) => amount(load.deliveriesPerDay)],
  ['deliveries/s in the peak hour', (load) => amount(load.deliveriesPerPeakSecondOfHour)],
  ['deliveries/s in the peak second', (load) => amount(load.deliveriesInPeakSecond)],
  ['runs per day', (load) => amount(load.runsPerDay)],
  ['run state changes/s in the peak hour', (load) => amount(load.runStateChangesPerSecond)],
  ['bodies per day, raw', (load) => `${amount(load.bodyBytesPerDay / 1e6)} MB`],
  ['bodies per day, lz4', (load) => `${amount(load.compressedBytesPerDay / 1e6)} MB`],
  ['deliveries kept', (load) => amount(load.deliveriesKept)],
  ['calls/s to each Bitbucket, naive', (load) => amount(load.bitbucketCallsNaive)],
  ['calls/s to each Bitbucket, all levers', (load) => amount(load.bitbucketCallsBest)],
  ['webhook sweep, per repository', (load) => `${amount(load.sweepSeconds)} s`],
  ['webhook sweep, per project', (load) => `${amount(load.projectSweepSeconds)} s`],
]

/** The model as a Markdown table, with what it rests on below. It is computed, not measured. */
export function scaleModel(given: Assumptions): string {
  const loads = sizes.map((size) => loadOf(size, given))
  const lines = rows.map(([title, show]) => `| ${title} | ${loads.map(show).join(' | ')} |`)
  const heads = sizes.map(
    ({ name, repositories, bitbuckets }) => `${name}: ${amount(repositories)} repositories, ${bitbuckets} Bitbucket`,
  )
  const base = Object.entries(assumptions).map(
    ([name, { meaning }]) => `- \`${name}=${given[name as keyof Assumptions]}\` ${meaning}`,
  )
  return [`| computed | ${heads.join(' | ')} |`, '|---|---|---|---|', ...lines, '', ...base].join('\n')
}

/** Takes `name=value` for any of the assumptions; the rest stays. */
export function assume(changes: readonly string[]): Assumptions {
  const given: Record<string, number> = Object.fromEntries(
    Object.entries(assumptions).map(([name, { value }]) => [name, value]),
  )
  for (const change of changes) {
    const [name = '', text = ''] = change.split('=')
    const value = Number(text)
    if (!Object.hasOwn(given, name) || text === '' || !(value >= 0)) {
      throw new Error(
        `"${change}" is no assumption: write <name>=<number>, with one of ${Object.keys(given).join(', ')}.`,
      )
    }
    given[name] = value
  }
  return given as Assumptions
}

/** Three digits: the model knows no more. */
function amount(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 3 })
}
