import { isSameWebhookUrl, splitWebhookUrl } from '../../schemas/rules/webhook-url.ts'
import type { ObservedWebhook } from './webhooks.ts'

/** Whose webhooks are meant: those of one integration of one Mooring server, in one repository or project. */
export interface WebhookOwnership {
  /** The integration's webhook endpoint, without `?r=` or `?p=`. */
  readonly endpoint: string
  /** Endpoints that the integration had before; they count only for registered webhooks. */
  readonly formerEndpoints: readonly string[]
  /** What `configuration.createdBy` says of our webhooks; `undefined` for a webhook without an integration. */
  readonly mark: string | undefined
  /** Webhook ids that are registered (or in a Terraform state) for this repository or project. */
  readonly registeredIds: readonly number[]
}

/** Gives the mark of an integration's webhooks; the instance id tells servers apart, which may share names. */
export function ownershipMark(instanceId: string, integrationId: string): string {
  return `mooring/${instanceId}/${integrationId}`
}

/** Whose mark a webhook carries. Bitbucket's own form writes `bitbucket`, which makes it nobody's. */
export function markOf(webhook: ObservedWebhook, ownership: WebhookOwnership): 'ours' | 'none' | 'other' {
  const mark = webhook.configuration?.createdBy
  if (mark === undefined || mark === null || mark === '' || mark === 'bitbucket') return 'none'
  return mark === ownership.mark ? 'ours' : 'other'
}

/**
 * Tells whether a webhook is ours: it points at our endpoint and carries nobody else's mark, or its id is registered
 * and it points at an endpoint that the integration has or had. A mark alone makes nothing ours, since any repository
 * admin can copy it (S68).
 */
export function isOurs(webhook: ObservedWebhook, ownership: WebhookOwnership): boolean {
  const registered = ownership.registeredIds.includes(webhook.id)
  if (pointsAt(webhook, ownership.endpoint, ownership)) return registered || markOf(webhook, ownership) !== 'other'
  return registered && ownership.formerEndpoints.some((endpoint) => pointsAt(webhook, endpoint, ownership))
}

/** Tells whether a webhook would be ours only by adopting it: made by hand, neither marked nor registered (B8). */
export function needsAdoption(webhook: ObservedWebhook, ownership: WebhookOwnership): boolean {
  return markOf(webhook, ownership) === 'none' && !ownership.registeredIds.includes(webhook.id)
}

/**
 * Tells whether a webhook's address is this endpoint, with or without the `?r=` or `?p=` of R45. A webhook without an
 * integration knows no such parameter: its address is compared whole.
 */
function pointsAt(webhook: ObservedWebhook, endpoint: string, { mark }: WebhookOwnership): boolean {
  if (mark === undefined) return isSameWebhookUrl(webhook.url, endpoint)
  const observed = splitWebhookUrl(webhook.url)
  return observed !== undefined && observed.endpoint === splitWebhookUrl(endpoint)?.endpoint
}
