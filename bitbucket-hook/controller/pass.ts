import { eventsForVersion } from '../../clients/bitbucket/desired-webhook.ts'
import { getApplicationProperties } from '../../clients/bitbucket/repositories.ts'
import { readServerState } from '../sources/read-server.ts'
import { type WorkItem, workItems } from '../sources/work-items.ts'
import type { Caretaker } from './caretaker.ts'
import { failureOf } from './failure.ts'
import { needsConfirmation } from './removal-guard.ts'
import { countReports, type PassReport } from './repository-report.ts'
import type { World } from './world.ts'

/** The server's largest page. */
const pageSize = 500

/** Bitbucket is asked for its version this often, not at each sweep. */
const versionKeptMs = 3_600_000

/** Goes over all repositories once. */
export interface Pass {
  /**
   * Lists what there is to do, hands it to the caretaker, and reports when each repository had its turn; with
   * `untilSettled` also their further tries.
   *
   * @throws whatever kept the lists from being read
   */
  run(options: { readonly untilSettled: boolean }): Promise<PassReport>
}

export function createPass(world: World, caretaker: Caretaker): Pass {
  const { clock, log, metrics } = world
  let version: { readonly text: string; readonly readAt: number } | undefined
  let warned = ''

  async function getVersion(): Promise<string> {
    if (version && clock.now() - version.readAt < versionKeptMs) return version.text
    const { version: text } = await asking(`Bitbucket at ${world.bitbucket.baseUrl}`, () =>
      getApplicationProperties(world.bitbucket),
    )
    version = { text, readAt: clock.now() }
    return text
  }

  function warnOfDroppedEvents(items: readonly WorkItem[], bitbucketVersion: string): void {
    const events = items.flatMap((item) => (item.kind === 'wanted' ? item.target.events : []))
    const { dropped } = eventsForVersion(events, bitbucketVersion)
    if (dropped.length === 0 || warned === dropped.join()) return
    warned = dropped.join()
    log.warn({ bitbucketVersion, events: dropped }, 'this version of Bitbucket does not know these events')
  }

  return {
    run: async ({ untilSettled }) => {
      const startedAt = clock.now()
      caretaker.resetCredential()
      const state = await asking('The Mooring server', () => readServerState(world.server, pageSize))
      const items = workItems(state, world.bitbucket.baseUrl)
      let bitbucketVersion = '0'
      try {
        if (items.some(({ kind }) => kind !== 'skipped')) bitbucketVersion = await getVersion()
      } catch (error) {
        if (!(error instanceof Error) || failureOf(error.cause).credential !== 'refused') throw error
        caretaker.refuseCredential()
      }
      warnOfDroppedEvents(items, bitbucketVersion)
      const removals = {
        removals: items.filter(({ kind }) => kind === 'unwanted').length,
        registered: state.registrations.filter(({ managedBy }) => managedBy === 'service').length,
        wanted: state.targets.length,
      }
      const mustBeConfirmed = needsConfirmation(removals)
      if (mustBeConfirmed && world.removals === 'guarded') {
        log.error(removals, 'suspiciously many webhooks would be removed: a person has to confirm that')
      }
      const mayRemove = world.removals === 'confirmed' || (world.removals === 'guarded' && !mustBeConfirmed)
      caretaker.begin({ items, bitbucketVersion, mayRemove })
      await (untilSettled ? caretaker.settled() : caretaker.drained())

      const repositories = caretaker.reports().sort((left, right) => (left.key < right.key ? -1 : 1))
      const counts = countReports(repositories)
      const finishedAt = clock.now()
      metrics.repositories(repositories)
      if (!caretaker.isCredentialRefused) metrics.sweep((finishedAt - startedAt) / 1000, finishedAt)
      const isPartial = counts.states.failed > 0 || (counts.reasons.unconfirmed ?? 0) > 0
      return {
        mode: world.mode,
        bitbucketUrl: world.bitbucket.baseUrl,
        startedAt: new Date(startedAt).toISOString(),
        finishedAt: new Date(finishedAt).toISOString(),
        result: caretaker.isCredentialRefused ? 'failed' : isPartial ? 'partial' : 'complete',
        counts,
        repositories,
      }
    },
  }
}

/** Says who it was that failed: both are reached by the same means. */
async function asking<Answer>(who: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (cause) {
    const { code, message } = failureOf(cause)
    throw code === 'internal' ? cause : new Error(`${who} cannot be used: ${message}`, { cause })
  }
}
