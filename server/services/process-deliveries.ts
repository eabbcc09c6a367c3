import { groupBy } from '../core/group-by.ts'
import { type ClaimedDelivery, deferDeliveries, type Verdict } from '../store/delivery-queue.ts'
import { findIntegrationRowById, type IntegrationRow } from '../store/integrations.ts'
import { StackMovedError } from '../store/runs.ts'
import { askBitbucket, type BitbucketQuestions, type BitbucketUnreachableError } from './ask-bitbucket.ts'
import {
  type Answer,
  type ConfirmedDelivery,
  confirmDeliveries,
  isStuck,
  type StuckDelivery,
} from './confirm-deliveries.ts'
import { type Followers, findFollowers, hasFollowers } from './match-repositories.ts'
import { type PlannedDelivery, planRuns } from './plan-runs.ts'
import type { ProcessingDeps } from './processing-deps.ts'
import { type PushDelivery, readClaimed } from './read-claimed.ts'
import { deferStuck, giveUp, holdBack } from './waiting-deliveries.ts'
import { writeOutcome } from './write-outcome.ts'

/** How often a batch is planned again because the head of a stack moved under it. */
const mostPlans = 5
/** How many repositories of one integration are asked about at once. */
const repositoriesAtOnce = 4

/**
 * Processes one integration's part of a batch, in order: reads the bodies, asks Bitbucket whether they are true (R46),
 * and writes runs, build statuses and verdicts in one transaction. Deliveries without an answer go back into the queue.
 *
 * @throws LostClaimError, the signal's reason, and what the database throws: then nothing was written
 */
export async function processDeliveries(
  deps: ProcessingDeps,
  integrationId: string,
  deliveries: readonly ClaimedDelivery[],
): Promise<void> {
  const { db, clock, log } = deps
  const { decided, pushes } = await readClaimed(db, integrationId, deliveries)
  const integration = pushes.length > 0 ? await findIntegrationRowById(db, integrationId) : undefined
  if (!integration) {
    for (const { delivery } of pushes) decided.set(delivery.id, integrationGone)
    await writeOutcome(deps, integrationId, { decided, planned: [], deliveries })
    return
  }
  const followed = await dropUnfollowed(deps, integration, pushes, decided)
  const { ready, deferrals } = await holdBack(db, integrationId, followed.pushes, deliveries, clock.now())
  const client = { ...deps.bitbucketClient(integration), signal: deps.signal }
  const questions = askBitbucket(client, { integrationId, now: clock.now() }, deps.comparisons)
  const answers = await askAll(deps, questions, integration, ready, followed.followers)
  const stuck = await planAndWrite(deps, integration, questions, answers, { decided, deliveries })
  const waits = deferStuck(stuck, log.child({ integration: integration.slug }), clock.now())
  await deferDeliveries(db, [...deferrals, ...waits])
}

const integrationGone: Verdict = { verdict: 'ignored', reason: 'no_match', detail: 'The integration was deleted.' }

/** Decides what pushes to repositories without stacks mean: nothing, and Bitbucket need not be asked (R37). */
async function dropUnfollowed(
  { db }: ProcessingDeps,
  integration: IntegrationRow,
  pushes: readonly PushDelivery[],
  decided: Map<string, Verdict>,
): Promise<{ readonly pushes: readonly PushDelivery[]; readonly followers: Followers }> {
  const repositories = pushes.map(({ repository }) => repository)
  const followers = await findFollowers(db, integration.id, repositories)
  const followed: PushDelivery[] = []
  for (const push of pushes) {
    if (hasFollowers(followers, push.repository)) followed.push(push)
    else {
      const { id, projectKey, repositorySlug } = push.repository
      const detail = `No stack follows ${projectKey}/${repositorySlug} (id ${id}) through the integration ${integration.slug}.`
      decided.set(push.delivery.id, { verdict: 'ignored', reason: 'no_match', detail })
    }
  }
  return { pushes: followed, followers }
}

/** Asks about every repository, a few at once. When the host does not answer at all, the rest need not try. */
async function askAll(
  { db, clock }: ProcessingDeps,
  questions: BitbucketQuestions,
  integration: IntegrationRow,
  pushes: readonly PushDelivery[],
  followers: Followers,
): Promise<Answer[]> {
  const repositories = [...groupBy(pushes, ({ repository }) => repository.id).values()]
  const answers: Answer[] = []
  const down: BitbucketUnreachableError[] = []
  const next = async (): Promise<void> => {
    for (let group = repositories.shift(); group; group = repositories.shift()) {
      const [error] = down
      const answered = error
        ? group.map((source) => ({ source, error }))
        : await confirmDeliveries(db, questions, integration, group, followers, clock.now())
      for (const answer of answered) if (isStuck(answer) && answer.error.isHostDown) down.push(answer.error)
      answers.push(...answered)
    }
  }
  await Promise.all(Array.from({ length: repositoriesAtOnce }, next))
  return answers.sort((one, other) => (one.source.delivery.id < other.source.delivery.id ? -1 : 1))
}

/** Plans and writes; when the head of a stack moved between the two, again. Gives what has to wait. */
async function planAndWrite(
  deps: ProcessingDeps,
  integration: IntegrationRow,
  questions: BitbucketQuestions,
  answers: readonly Answer[],
  batch: { readonly decided: ReadonlyMap<string, Verdict>; readonly deliveries: readonly ClaimedDelivery[] },
): Promise<StuckDelivery[]> {
  const confirmed = answers.filter((answer): answer is ConfirmedDelivery => !isStuck(answer))
  for (let plans = 1; ; plans++) {
    const results = await planRuns(deps.db, questions, integration.id, confirmed)
    // What was cut off by the stop of the server is no failure, and says nothing about a delivery.
    deps.signal.throwIfAborted()
    const planned = results.filter((result): result is PlannedDelivery => !isStuck(result))
    const stuck = [...answers, ...results].filter(isStuck)
    const ended = giveUp(stuck, deps.clock.now())
    try {
      const decided = new Map([...batch.decided, ...ended])
      await writeOutcome(deps, integration.id, { decided, planned, deliveries: batch.deliveries })
      logForgeries(deps, integration, planned)
      return stuck.filter(({ source }) => !ended.has(source.delivery.id))
    } catch (error) {
      if (!(error instanceof StackMovedError) || plans === mostPlans) throw error
    }
  }
}

function logForgeries({ log }: ProcessingDeps, { slug }: IntegrationRow, planned: readonly PlannedDelivery[]): void {
  for (const { from, verdict } of planned) {
    if (from.unconfirmed.length === 0) continue
    const { delivery, repository } = from.source
    log.warn(
      { integration: slug, repository, delivery: delivery.id, detail: verdict.detail },
      'push not confirmed by Bitbucket: possibly forged',
    )
  }
}
