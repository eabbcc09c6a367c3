import { TransportError } from '../transport.ts'
import type { BitbucketClient } from './client.ts'
import type { DesiredWebhook } from './desired-webhook.ts'
import { BitbucketError } from './errors.ts'
import {
  type DeleteChange,
  type FieldDrift,
  keptWebhook,
  type WebhookChange,
  webhookDrift,
  webhookRemovals,
} from './webhook-drift.ts'
import type { WebhookOwnership } from './webhook-ownership.ts'
import {
  createWebhook,
  deleteWebhook,
  listWebhooks,
  type ObservedWebhook,
  replaceWebhook,
  searchWebhooks,
  type WebhookScope,
} from './webhooks.ts'

export type AppliedChange =
  | { readonly kind: 'created'; readonly id: number }
  | { readonly kind: 'updated'; readonly id: number; readonly drift: readonly FieldDrift[] }
  | { readonly kind: 'deleted'; readonly id: number; readonly drift: DeleteChange['drift'] }

export interface AppliedChanges {
  /** The writes that Bitbucket confirmed, in order; a create whose answer was lost is not among them, its webhook is. */
  readonly done: readonly AppliedChange[]
  /** Our webhook as it was last seen or written. */
  readonly webhook: ObservedWebhook | undefined
  /** What stopped the rest; `undefined` when all was carried out. */
  readonly error: unknown
  /** The changes that were not carried out, the failed one first. */
  readonly left: readonly WebhookChange[]
}

export interface ApplyOptions {
  /**
   * True where the changes were planned from a listing made just now, so that a create need not list again. Changes
   * that were planned earlier (a plan file, a Terraform plan) are compared with the present first.
   */
  readonly listedJustNow: boolean
}

/** How often a POST is sent at most; between two, a listing shows whether the first arrived. */
const createTries = 3

/**
 * Carries out planned changes in their order and stops at the first that fails: a failed update deletes nothing (B6).
 * Before anything is overwritten or deleted the webhooks are listed and compared again (B30), so a write always starts
 * from the present, and nothing is deleted that was not planned. A POST whose answer was lost is repeated only after a
 * listing shows that it did not arrive (B28).
 */
export async function applyWebhookChanges(
  client: BitbucketClient,
  scope: WebhookScope,
  desired: DesiredWebhook,
  changes: readonly WebhookChange[],
  options: ApplyOptions,
): Promise<AppliedChanges> {
  const done: AppliedChange[] = []
  let left = [...changes]
  let webhook: ObservedWebhook | undefined
  let mustList = !(options.listedJustNow && changes.every((change) => change.kind === 'create'))
  let creates = 0
  try {
    while (left.length > 0) {
      if (mustList) {
        const present = await observeWebhooks(client, scope, desired)
        webhook = keptWebhook(desired, present)
        left = webhookDrift(desired, present).filter((change) => isPlanned(change, changes))
        mustList = false
        continue
      }
      const change = left[0] as WebhookChange
      if (change.kind === 'create') {
        creates++
        try {
          webhook = await createWebhook(client, scope, change.body(), desired.url)
        } catch (error) {
          if (creates >= createTries || !mayHaveArrived(error)) throw error
          mustList = true
          continue
        }
        done.push({ kind: 'created', id: webhook.id })
      } else if (change.kind === 'update') {
        webhook = await replaceWebhook(client, scope, change.id, change.body(), desired.url)
        done.push({ kind: 'updated', id: webhook.id, drift: change.drift })
      } else {
        done.push(await carryOutDeletion(client, scope, change))
      }
      left.shift()
    }
    return { done, webhook, error: undefined, left }
  } catch (error) {
    return { done, webhook, error, left }
  }
}

/** Deletes every webhook of ours, and no other (B33, B34); stops at the first failure. */
export async function removeWebhooks(
  client: BitbucketClient,
  scope: WebhookScope,
  ownership: WebhookOwnership,
  options: { readonly adopt: boolean },
): Promise<AppliedChanges> {
  const level = scope.repositorySlug === undefined ? 'project' : 'repository'
  const left: DeleteChange[] = []
  const done: AppliedChange[] = []
  try {
    left.push(...webhookRemovals(ownership, await listWebhooks(client, scope), { level, adopt: options.adopt }))
    for (let change = left[0]; change; change = left[0]) {
      done.push(await carryOutDeletion(client, scope, change))
      left.shift()
    }
    return { done, webhook: undefined, error: undefined, left }
  } catch (error) {
    return { done, webhook: undefined, error, left }
  }
}

/**
 * Lists the webhooks that a comparison needs: those of the repository or project, and where an overlap of both is to
 * be repaired (B14) also those that the repository inherits. One request, unless there are many.
 */
export function observeWebhooks(
  client: BitbucketClient,
  scope: WebhookScope,
  desired: DesiredWebhook,
): Promise<ObservedWebhook[]> {
  if (scope.repositorySlug === undefined || desired.policy.scopeOverlap === 'report') return listWebhooks(client, scope)
  return searchWebhooks(client, scope)
}

async function carryOutDeletion(
  client: BitbucketClient,
  scope: WebhookScope,
  { id, level, drift }: DeleteChange,
): Promise<AppliedChange> {
  // An overlap is repaired in the project, whichever repository showed it.
  await deleteWebhook(client, level === 'project' ? { projectKey: scope.projectKey } : scope, id)
  return { kind: 'deleted', id, drift }
}

/** What is made or put right may differ from the plan; what is deleted may not. */
function isPlanned(change: WebhookChange, planned: readonly WebhookChange[]): boolean {
  return change.kind !== 'delete' || planned.some((other) => other.kind === 'delete' && other.id === change.id)
}

function mayHaveArrived(error: unknown): boolean {
  if (error instanceof TransportError) return !error.nothingSent && error.code !== 'blocked'
  // A proxy in front of Bitbucket gives up before Bitbucket does.
  return error instanceof BitbucketError && error.code === 'unavailable'
}
