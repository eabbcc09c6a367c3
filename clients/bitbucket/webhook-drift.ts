import { isSameWebhookUrl, normalWebhookUrl } from '../../schemas/rules/webhook-url.ts'
import type { DesiredWebhook } from './desired-webhook.ts'
import { isLeftDisabled, newWebhookBody, replacementBody } from './webhook-body.ts'
import { isOurs, markOf, needsAdoption, type WebhookOwnership } from './webhook-ownership.ts'
import type { ObservedWebhook, WebhookBody } from './webhooks.ts'

/** How a webhook of ours differs: the name of a field, never its value (B3, B13). `inactive`: `active` is not as desired. */
export type FieldDrift = 'url' | 'name' | 'inactive' | 'events-missing' | 'events-extra' | 'ssl' | 'secret' | 'adopt'

/**
 * One write that Bitbucket needs. The body holds the secret, so it is a function: printing, logging or storing a
 * change shows none (B13).
 */
export type WebhookChange =
  | { readonly kind: 'create'; readonly level: DesiredWebhook['level']; readonly body: () => WebhookBody }
  | {
      readonly kind: 'update'
      readonly id: number
      readonly level: DesiredWebhook['level']
      readonly drift: readonly FieldDrift[]
      readonly body: () => WebhookBody
    }
  | DeleteChange

export interface DeleteChange {
  readonly kind: 'delete'
  readonly id: number
  readonly level: DesiredWebhook['level']
  readonly drift: readonly ['duplicate' | 'scope-overlap' | 'unwanted']
  /** The write that has to succeed first: an updated webhook's id, `create`, or null for none (B6). */
  readonly after: number | 'create' | null
}

/**
 * Compares, never calls: the same input always gives the same list, and an empty list means that nothing is to be
 * written. Changes are in the order in which they are to be carried out. `observed` may hold the webhooks of both the
 * repository and its project. With `keep_repository` the list may delete the project's webhook (`level: 'project'`),
 * which serves other repositories too: a caller with many repositories does that once all have theirs.
 */
export function webhookDrift(desired: DesiredWebhook, observed: readonly ObservedWebhook[]): WebhookChange[] {
  const { ownership, policy, level } = desired
  const ours = ownedWebhooks(ownership, observed, policy.adopt)
  const here = ours.filter((webhook) => levelOf(webhook, level) === level)
  const elsewhere = ours.filter((webhook) => levelOf(webhook, level) !== level)
  if (policy.scopeOverlap === 'keep_project' && level === 'repository') {
    const covered = elsewhere.some((webhook) => covers(webhook, desired))
    if (covered) return here.map(({ id }) => deletion(id, level, 'scope-overlap', null))
  }
  const [kept, ...duplicates] = here
  // Creating one beside a webhook that must not be adopted would deliver everything twice.
  if (!kept && observed.some((webhook) => isLeftUnadopted(webhook, desired))) return []
  const write = kept
    ? updateOf(desired, kept)
    : [{ kind: 'create', level, body: () => newWebhookBody(desired) } as const]
  const after = write.length > 0 ? (kept?.id ?? 'create') : null
  const overlapping = policy.scopeOverlap === 'keep_repository' && level === 'repository' ? elsewhere : []
  return [
    ...write,
    ...duplicates.map(({ id }) => deletion(id, level, 'duplicate', after)),
    ...overlapping.map(({ id }) => deletion(id, 'project', 'scope-overlap', after)),
  ]
}

/** The webhook that a comparison keeps: the oldest of ours, or `undefined` where there is none. */
export function keptWebhook(
  desired: DesiredWebhook,
  observed: readonly ObservedWebhook[],
): ObservedWebhook | undefined {
  const ours = ownedWebhooks(desired.ownership, observed, desired.policy.adopt)
  return ours.find((webhook) => levelOf(webhook, desired.level) === desired.level)
}

/** Lists the deletion of every webhook that is ours, and of no other (B33, B34). */
export function webhookRemovals(
  ownership: WebhookOwnership,
  observed: readonly ObservedWebhook[],
  options: { readonly level: DesiredWebhook['level']; readonly adopt: boolean },
): DeleteChange[] {
  return ownedWebhooks(ownership, observed, options.adopt)
    .filter((webhook) => levelOf(webhook, options.level) === options.level)
    .map(({ id }) => deletion(id, options.level, 'unwanted', null))
}

/** Names what differs between a webhook of ours and the desired one; empty where nothing is to be written (B3). */
export function fieldDrift(desired: DesiredWebhook, observed: ObservedWebhook): FieldDrift[] {
  const { policy, ownership } = desired
  const wanted = new Set(desired.events)
  const present = new Set(observed.events)
  const differs: Record<FieldDrift, boolean> = {
    url: !isSameWebhookUrl(desired.url, observed.url),
    name: desired.name !== observed.name,
    inactive: desired.active !== observed.active && !isLeftDisabled(desired, observed),
    'events-missing': desired.events.some((event) => !present.has(event)),
    'events-extra': policy.eventsPolicy === 'exact' && observed.events.some((event) => !wanted.has(event)),
    // Old versions do not say; what cannot be seen cannot differ.
    ssl: (observed.sslVerificationRequired ?? desired.sslVerificationRequired) !== desired.sslVerificationRequired,
    secret: hasSecretDrift(desired, observed),
    adopt: ownership.mark !== undefined && markOf(observed, ownership) !== 'ours',
  }
  return (Object.keys(differs) as FieldDrift[]).filter((kind) => differs[kind])
}

/** Something that no write repairs, but that somebody should know. */
export interface WebhookFinding {
  readonly id: number
  /**
   * `adopt`: made by hand at our address and not to be adopted. `scope-overlap`: project and repository both have
   * ours. `unmanaged-lookalike`: has our name, mark, address or registered id, and is not ours.
   */
  readonly kind: 'adopt' | 'scope-overlap' | 'unmanaged-lookalike'
}

/** Lists what `webhookDrift` leaves alone although it looks like ours (B3, B8, B10, B14). */
export function webhookFindings(desired: DesiredWebhook, observed: readonly ObservedWebhook[]): WebhookFinding[] {
  const planned = new Set(
    webhookDrift(desired, observed).flatMap((change) => (change.kind === 'delete' ? change.id : [])),
  )
  const ours = ownedWebhooks(desired.ownership, observed, desired.policy.adopt).filter(({ id }) => !planned.has(id))
  const levels = new Set(ours.map((webhook) => levelOf(webhook, desired.level)))
  const overlaps = levels.size < 2 ? [] : ours.filter((webhook) => levelOf(webhook, desired.level) === 'project')
  return [
    ...observed
      .filter((webhook) => isLeftUnadopted(webhook, desired))
      .map(({ id }) => ({ id, kind: 'adopt' }) as const),
    ...overlaps.map(({ id }) => ({ id, kind: 'scope-overlap' }) as const),
    ...observed
      .filter((webhook) => isLookalike(webhook, desired))
      .map(({ id }) => ({ id, kind: 'unmanaged-lookalike' }) as const),
  ]
}

/** Ours, the oldest (lowest id) first. */
function ownedWebhooks(ownership: WebhookOwnership, observed: readonly ObservedWebhook[], adopt: boolean) {
  return observed
    .filter((webhook) => isOurs(webhook, ownership) && (adopt || !needsAdoption(webhook, ownership)))
    .sort((left, right) => left.id - right.id)
}

function isLeftUnadopted(webhook: ObservedWebhook, { ownership, policy, level }: DesiredWebhook): boolean {
  const isHere = levelOf(webhook, level) === level
  return !policy.adopt && isHere && isOurs(webhook, ownership) && needsAdoption(webhook, ownership)
}

function isLookalike(webhook: ObservedWebhook, { name, ownership }: DesiredWebhook): boolean {
  if (isOurs(webhook, ownership)) return false
  const atOurEndpoint = withoutQuery(webhook.url) === withoutQuery(ownership.endpoint)
  return (
    (webhook.name === name && markOf(webhook, ownership) === 'none') ||
    markOf(webhook, ownership) === 'ours' ||
    ownership.registeredIds.includes(webhook.id) ||
    atOurEndpoint
  )
}

function withoutQuery(url: string): string | undefined {
  return normalWebhookUrl(url)?.split('?')[0]
}

/** A listing that names no level is of one level only: the one that was asked for. */
function levelOf(webhook: ObservedWebhook, listed: DesiredWebhook['level']): DesiredWebhook['level'] {
  if (webhook.scopeType === undefined) return listed
  return webhook.scopeType === 'project' ? 'project' : 'repository'
}

/** Whether a project's webhook delivers all that the repository's would. */
function covers(webhook: ObservedWebhook, desired: DesiredWebhook): boolean {
  return webhook.active && desired.events.every((event) => webhook.events.includes(event))
}

function deletion(
  id: number,
  level: DesiredWebhook['level'],
  reason: DeleteChange['drift'][0],
  after: DeleteChange['after'],
): DeleteChange {
  return { kind: 'delete', id, level, drift: [reason], after }
}

function updateOf(desired: DesiredWebhook, kept: ObservedWebhook): WebhookChange[] {
  const drift = fieldDrift(desired, kept)
  if (drift.length === 0) return []
  return [{ kind: 'update', id: kept.id, level: desired.level, drift, body: () => replacementBody(desired, kept) }]
}

/** Compared in memory where Bitbucket shows the secret, by its version where it hides it (B3). */
function hasSecretDrift(desired: DesiredWebhook, observed: ObservedWebhook): boolean {
  const shown = observed.configuration?.secret
  const isShown = desired.policy.secretReadable && !(typeof shown === 'string' && /^[*•]+$/.test(shown))
  if (isShown && (shown ?? '') !== (desired.secret ?? '')) return true
  return desired.secretVersion !== undefined && observed.configuration?.mooringSecretVersion !== desired.secretVersion
}
