import { normalBaseUrl } from '../../clients/bitbucket/paths.ts'
import { ownershipMark, type WebhookOwnership } from '../../clients/bitbucket/webhook-ownership.ts'
import type { Registration, WebhookTarget } from '../../schemas/webhook-target.ts'
import type { ServerState } from './read-server.ts'

/** The repository that an item is about, for keys, logs and reports. */
export interface ItemAddress {
  readonly integrationId: string
  readonly projectKey: string
  readonly repositorySlug: string
}

/** A repository that should have a webhook. */
export interface WantedItem {
  readonly kind: 'wanted'
  readonly key: string
  readonly target: WebhookTarget
  /** What was reported of it before. */
  readonly registration: Registration | undefined
}

/** A repository where this service registered a webhook that nobody wants any more (B33). */
export interface UnwantedItem {
  readonly kind: 'unwanted'
  readonly key: string
  readonly registration: Registration
  readonly ownership: WebhookOwnership
}

export const skipReasons = {
  other_bitbucket: 'Its integration uses another Bitbucket than BITBUCKET_URL, for which there is no token here.',
  private_bitbucket: 'Its integration reaches Bitbucket through a VCS agent pool, which this service cannot use yet.',
  no_public_url:
    'The server does not know its own public address (MOORING_PUBLIC_URL), so there is no webhook endpoint.',
} as const

/** A repository that is left alone, and why. */
export interface SkippedItem extends ItemAddress {
  readonly kind: 'skipped'
  readonly key: string
  readonly reason: keyof typeof skipReasons
}

export type WorkItem = WantedItem | UnwantedItem | SkippedItem

/**
 * Lists what there is to do for one Bitbucket: each wanted webhook, and each that this service registered and that is
 * wanted no longer. What belongs to another Bitbucket is skipped, since the token must go to its own host alone (S28).
 */
export function workItems(state: ServerState, bitbucketUrl: string): WorkItem[] {
  const registered = new Map(
    state.registrations.flatMap((registration) => namesOf(registration).map((name) => [name, registration])),
  )
  const wantedNames = new Set(state.targets.flatMap(namesOf))
  const wanted = state.targets.map((target) => wantedItem(target, registered, bitbucketUrl))
  const unwanted = state.registrations
    .filter(({ managedBy }) => managedBy === 'service')
    .filter((registration) => !namesOf(registration).some((name) => wantedNames.has(name)))
    .flatMap((registration) => unwantedItem(registration, state, bitbucketUrl))
  return [...wanted, ...unwanted]
}

/** The address of an item's repository. */
export function addressOf(item: WorkItem): ItemAddress {
  if (item.kind === 'wanted') return item.target
  return item.kind === 'unwanted' ? item.registration : item
}

function wantedItem(
  target: WebhookTarget,
  registered: ReadonlyMap<string, Registration>,
  bitbucketUrl: string,
): WantedItem | SkippedItem {
  const key = keyOf(target)
  const reason = whySkipped(target.apiHost, target.url, bitbucketUrl)
  if (reason !== undefined) {
    const { integrationId, projectKey, repositorySlug } = target
    return { kind: 'skipped', key, reason, integrationId, projectKey, repositorySlug }
  }
  return {
    kind: 'wanted',
    key,
    target,
    registration: namesOf(target)
      .map((name) => registered.get(name))
      .find((found) => found !== undefined),
  }
}

function unwantedItem(registration: Registration, state: ServerState, bitbucketUrl: string): WorkItem[] {
  const { integrationId, projectKey, repositorySlug, webhookId } = registration
  const integration = state.integrations.find(({ id }) => id === integrationId)
  if (!integration) return []
  const key = `${keyOf(registration)} without stacks`
  const reason = whySkipped(integration.apiHost, integration.webhookUrl, bitbucketUrl)
  if (reason !== undefined) return [{ kind: 'skipped', key, reason, integrationId, projectKey, repositorySlug }]
  const ownership = {
    endpoint: integration.webhookUrl,
    formerEndpoints: [],
    mark: ownershipMark(state.instanceId, integrationId),
    registeredIds: webhookId === null ? [] : [webhookId],
  }
  return [{ kind: 'unwanted', key, registration, ownership }]
}

function whySkipped(apiHost: string, endpoint: string, bitbucketUrl: string): SkippedItem['reason'] | undefined {
  if (apiHost.startsWith('private:')) return 'private_bitbucket'
  if (normalBaseUrl(apiHost) !== normalBaseUrl(bitbucketUrl)) return 'other_bitbucket'
  return URL.canParse(endpoint) ? undefined : 'no_public_url'
}

/** The numeric id first, then project and slug: a repository that is wanted by either keeps its webhook. */
function namesOf(about: ItemAddress & { readonly repositoryId: number | null }): string[] {
  const byId = about.repositoryId === null ? [] : [`${about.integrationId} #${about.repositoryId}`]
  return [...byId, keyOf(about)]
}

function keyOf({ integrationId, projectKey, repositorySlug }: ItemAddress): string {
  return `${integrationId} ${projectKey.toUpperCase()}/${repositorySlug}`
}
