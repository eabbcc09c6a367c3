import { isAtLeastVersion } from '../../schemas/rules/version-order.ts'
import { splitWebhookUrl, webhookUrlFor } from '../../schemas/rules/webhook-url.ts'
import { bitbucketEventKeys } from '../../schemas/webhook.ts'
import { ownershipMark, type WebhookOwnership } from './webhook-ownership.ts'

export interface WebhookPolicy {
  /** `at-least` keeps events that somebody added; `exact` removes them (B58). */
  readonly eventsPolicy: 'at-least' | 'exact'
  /** Whether a webhook made by hand at our address becomes ours; else it is only reported (B8). */
  readonly adopt: boolean
  /** Whether a webhook that somebody switched off stays off (B15). */
  readonly respectDisabled: boolean
  /** What happens where both the project and the repository have our webhook (B14). */
  readonly scopeOverlap: 'keep_project' | 'keep_repository' | 'report'
  /** False for a Bitbucket that hides secrets on read; none observed does (B3). */
  readonly secretReadable: boolean
}

export const defaultWebhookPolicy: WebhookPolicy = {
  eventsPolicy: 'at-least',
  adopt: true,
  respectDisabled: false,
  scopeOverlap: 'report',
  secretReadable: true,
}

/** The one webhook that a repository or project should have, and how strictly. */
export interface DesiredWebhook {
  readonly level: 'repository' | 'project'
  readonly name: string
  /** The whole address, with the `?r=` or `?p=` of R45. */
  readonly url: string
  /** Without repetitions. */
  readonly events: readonly string[]
  readonly active: boolean
  readonly sslVerificationRequired: boolean
  /** Absent: the webhook signs nothing (B12). */
  readonly secret?: string
  /** Opaque; written beside the secret, so that it can be told which one a webhook has without reading it. */
  readonly secretVersion?: string
  readonly ownership: WebhookOwnership
  readonly policy: WebhookPolicy
}

export interface DesiredWebhookInput {
  /** Absent for a webhook that belongs to no integration. */
  readonly integrationName?: string | undefined
  /** The name in Bitbucket, where it is not to be made from the integration's. */
  readonly name?: string | undefined
  /** The webhook endpoint; a `?r=` or `?p=` in it is kept unless an id is given. */
  readonly endpoint: string
  /** Adds `?r=` (R45). */
  readonly repositoryId?: number | undefined
  /** Adds `?p=` (R45), and makes this a project's webhook. */
  readonly projectId?: number | undefined
  readonly level?: 'repository' | 'project' | undefined
  readonly secret?: string | undefined
  readonly secretVersion?: string | undefined
  /** Together they make the mark; absent for a webhook that belongs to no integration. */
  readonly instanceId?: string | undefined
  readonly integrationId?: string | undefined
  readonly events: readonly string[]
  readonly active?: boolean | undefined
  readonly sslVerificationRequired?: boolean | undefined
  readonly formerEndpoints?: readonly string[] | undefined
  readonly registeredIds?: readonly number[] | undefined
  readonly policy?: Partial<WebhookPolicy> | undefined
}

/** Builds the desired webhook; every user of the planner builds it here, so that all want the same. */
export function desiredWebhook(input: DesiredWebhookInput): DesiredWebhook {
  const mark =
    input.instanceId === undefined || input.integrationId === undefined
      ? undefined
      : ownershipMark(input.instanceId, input.integrationId)
  // Only an integration's address has the parameters of R45; any other is taken as it is.
  const given = mark === undefined ? undefined : splitWebhookUrl(input.endpoint)
  const endpoint = given?.endpoint ?? input.endpoint
  const target = targetOf(input) ?? given?.target
  return {
    level: input.level ?? target?.kind ?? 'repository',
    name: input.name ?? webhookName(input.integrationName),
    url: given ? webhookUrlFor(endpoint, target) : input.endpoint,
    events: [...new Set(input.events)],
    active: input.active ?? true,
    sslVerificationRequired: input.sslVerificationRequired ?? true,
    // Bitbucket answers 500 to an empty secret.
    ...(input.secret === undefined || input.secret === '' ? {} : { secret: input.secret }),
    ...(input.secretVersion === undefined ? {} : { secretVersion: input.secretVersion }),
    ownership: {
      endpoint,
      formerEndpoints: input.formerEndpoints ?? [],
      mark,
      registeredIds: input.registeredIds ?? [],
    },
    policy: { ...defaultWebhookPolicy, ...input.policy },
  }
}

/** The name of a webhook in Bitbucket: `Mooring <integration name>`. */
export function webhookName(integrationName: string | undefined): string {
  return integrationName === undefined ? 'Mooring' : `Mooring ${integrationName}`
}

function targetOf({ repositoryId, projectId }: DesiredWebhookInput) {
  if (repositoryId !== undefined) return { kind: 'repository', id: repositoryId } as const
  return projectId === undefined ? undefined : ({ kind: 'project', id: projectId } as const)
}

const knownEvents = new Set(bitbucketEventKeys)

/** Events that came after webhooks themselves (5.4). */
const eventsSince = new Map([
  ['pr:modified', '5.10'],
  ['mirror:repo_synchronized', '6.5'],
  ['pr:from_ref_updated', '7.0'],
])

/** Parts the events that this version of Bitbucket knows from those that it would answer with 400 (B11). */
export function eventsForVersion(
  events: readonly string[],
  bitbucketVersion: string,
): { readonly events: readonly string[]; readonly dropped: readonly string[] } {
  const known = (event: string) =>
    knownEvents.has(event) && isAtLeastVersion(bitbucketVersion, eventsSince.get(event) ?? '0')
  const unique = [...new Set(events)]
  return { events: unique.filter(known), dropped: unique.filter((event) => !known(event)) }
}
