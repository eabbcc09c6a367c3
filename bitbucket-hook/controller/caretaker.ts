import { skipReasons, type WorkItem } from '../sources/work-items.ts'
import { createController, type Outcome } from './controller.ts'
import { type CredentialVerdict, createCredentialGate } from './credential-gate.ts'
import { type Failure, failureOf } from './failure.ts'
import { type Looked, lookAfterWanted } from './look-after-wanted.ts'
import { removeUnwanted } from './remove-unwanted.ts'
import { blankReport, type RepositoryReport } from './repository-report.ts'
import { TerminalError } from './terminal-error.ts'
import type { World } from './world.ts'
import { createWriteBudget } from './write-budget.ts'

/** A read-only or archived repository is tried again after this (B23). */
const laterMs = 3_600_000

export interface CaretakerOptions {
  readonly workers: number
  readonly tries: number
  readonly firstBackOffMs: number
  readonly longestBackOffMs: number
}

/** What a pass gives the caretaker to do. */
export interface Work {
  readonly items: readonly WorkItem[]
  readonly bitbucketVersion: string
  readonly mayRemove: boolean
}

/** Looks after repositories one by one, and remembers what became of each. */
export interface Caretaker {
  /** Replaces the work, and queues all of it; what is not in it any more is forgotten. */
  begin(work: Work): void
  /** Gives the credential another chance. */
  resetCredential(): void
  /** No repository is touched until `resetCredential`. */
  refuseCredential(): void
  readonly isCredentialRefused: boolean
  /** Resolves when every repository had its turn. */
  drained(): Promise<void>
  /** Resolves when no repository waits for another try either. */
  settled(): Promise<void>
  /** What is known of each repository of the present work. */
  reports(): RepositoryReport[]
  stop(): Promise<void>
}

export function createCaretaker(world: World, options: CaretakerOptions): Caretaker {
  const budget = createWriteBudget(world.clock.now)
  const reports = new Map<string, RepositoryReport>()
  /** The keys whose report is of the present work, not of the one before. */
  let reported = new Set<string>()
  let items = new Map<string, WorkItem>()
  let bitbucketVersion = '0'
  let mayRemove = false
  const gate = createCredentialGate((isAccepted) => {
    world.metrics.credential(isAccepted)
    const about = { bitbucketUrl: world.bitbucket.baseUrl }
    if (isAccepted) world.log.info(about, 'Bitbucket accepts the access token again')
    else world.log.error(about, 'Bitbucket refuses the access token: nothing is looked after until it is replaced')
  })
  const controller = createController({ ...options, clock: world.clock, random: world.random, reconcile })

  async function reconcile(key: string): Promise<Outcome> {
    const item = items.get(key)
    if (!item) return { kind: 'done' }
    if (item.kind === 'skipped') {
      remember({ ...blankReport(item, 'skipped'), reason: { code: item.reason, message: skipReasons[item.reason] } })
      return { kind: 'done' }
    }
    const looked = await gate.pass(() => look(item), verdictOf)
    if (!looked) {
      const message = 'Bitbucket refuses the access token, so the repository was not looked at.'
      remember({ ...blankReport(item, 'failed'), reason: { code: 'credential_refused', message } })
      return { kind: 'done' }
    }
    if (looked.error === undefined) {
      remember(heldBack(item, looked.report))
      return { kind: 'done' }
    }
    return afterFailure(looked.report, failureOf(looked.error), looked.error)
  }

  /** Never throws: what went wrong is part of the result. */
  async function look(item: Exclude<WorkItem, { kind: 'skipped' }>): Promise<Looked> {
    try {
      if (item.kind === 'unwanted') return await removeUnwanted(world, item, mayRemove)
      return await lookAfterWanted(world, item, bitbucketVersion, budget)
    } catch (error) {
      return { report: blankReport(item, 'failed'), error }
    }
  }

  function heldBack(item: WorkItem, report: RepositoryReport): RepositoryReport {
    if (item.kind !== 'unwanted' || mayRemove || report.changes.length === 0) return report
    const code = world.removals === 'never' ? 'kept' : 'unconfirmed'
    return { ...report, reason: { code, message: heldMessages[code] } }
  }

  function afterFailure(report: RepositoryReport, failure: Failure, error: unknown): Outcome {
    const { code, message, next } = failure
    const state = next === 'gone' ? 'gone' : next === 'later' ? 'skipped' : 'failed'
    remember({ ...report, state, reason: { code, message } })
    if (code === 'internal') world.log.error({ err: error }, 'unexpected error')
    if (next === 'gone') return { kind: 'done' }
    if (next === 'later') return { kind: 'requeue', afterMs: laterMs }
    if (next === 'terminal') throw new TerminalError(message)
    throw new Error(message)
  }

  /** A line is written when the state changes, not each time it is seen again. */
  function remember(latest: RepositoryReport): void {
    const before = reports.get(latest.key)
    const report = before && reported.has(latest.key) ? joinTries(before, latest) : latest
    reported.add(report.key)
    reports.set(report.key, report)
    if (before?.state === report.state && before.reason?.code === report.reason?.code) return
    // The credential has an alert of its own: one, not one per repository (B22).
    if (report.reason?.code === 'credential_refused' || report.reason?.code === 'bad_credential') return
    const { integrationId, projectKey, repositorySlug, state, managedBy, drift, reason } = report
    const about = { integration: integrationId, repository: `${projectKey}/${repositorySlug}`, reason }
    if (state === 'failed') world.log.warn(about, 'repository failed')
    else if (state === 'skipped' || state === 'gone') world.log.info({ ...about, state }, 'repository skipped')
    else if (state === 'flapping')
      world.log.error({ ...about, drift }, 'somebody else keeps changing the webhook: writing stopped')
    else if (state === 'drifted') world.log.warn({ ...about, drift, managedBy }, 'webhook drift left alone')
  }

  return {
    begin: (work) => {
      items = new Map(work.items.map((item) => [item.key, item]))
      bitbucketVersion = work.bitbucketVersion
      mayRemove = work.mayRemove
      reported = new Set()
      for (const key of reports.keys()) if (!items.has(key)) reports.delete(key)
      for (const key of items.keys()) controller.add(key)
    },
    resetCredential: () => gate.reset(),
    refuseCredential: () => gate.refuse(),
    get isCredentialRefused() {
      return gate.isRefused
    },
    drained: () => controller.drained(),
    settled: () => controller.settled(),
    reports: () => [...reports.values()],
    stop: () => controller.stop(),
  }
}

const heldMessages = {
  kept: 'The repository is attached no longer; its webhook is kept, as MOORING_HOOK_REMOVALS says.',
  unconfirmed:
    'The repository is attached no longer, but suspiciously many webhooks would be removed at once. Confirm with apply --confirm.',
}

/** What an earlier try of the same pass wrote stays in the report of the later one. */
function joinTries(earlier: RepositoryReport, later: RepositoryReport): RepositoryReport {
  if (earlier.done.length === 0) return later
  return {
    ...later,
    state: later.state === 'in_sync' ? 'repaired' : later.state,
    changes: [...earlier.changes, ...later.changes],
    done: [...earlier.done, ...later.done],
  }
}

function verdictOf({ error }: Looked): CredentialVerdict {
  return error === undefined ? 'accepted' : failureOf(error).credential
}
