import type { OpenApi } from '@coderabbitai/bitbucket/server'
import * as z from 'zod'
import { isSameWebhookUrl } from '../../schemas/rules/webhook-url.ts'
import { type BitbucketClient, callBitbucket, sendToBitbucket } from './client.ts'
import { Timestamp } from './commits.ts'
import { BitbucketError, parseJson } from './errors.ts'
import { listAll } from './paging.ts'
import { type RestPath, restPath } from './paths.ts'
import { orUndefined, type RepositoryAddress } from './repositories.ts'

type RestWebhook = OpenApi.components['schemas']['RestWebhook']

/** Where a webhook lives: in one repository, or in a project, whose repositories inherit it. */
export type WebhookScope = RepositoryAddress | { readonly projectKey: string; readonly repositorySlug?: undefined }

/** A webhook as Bitbucket returns it, the secret in plain text in its configuration. Never log or store one. */
export const ObservedWebhook = z.looseObject({
  id: z.number().int(),
  name: z.string().max(1000),
  url: z.string().max(10_000),
  events: z.array(z.string().max(255)).max(1000),
  active: z.boolean(),
  configuration: z
    .record(z.string().max(255), z.unknown())
    .refine((fields) => Object.keys(fields).length <= 100)
    .optional(),
  credentials: z.looseObject({ username: z.string().max(1000).nullish() }).nullish(),
  /** Bitbucket before 8 does not say. */
  sslVerificationRequired: z.boolean().optional(),
  /** `repository` or `project`; Bitbucket before 8 does not say. */
  scopeType: z.string().max(50).optional(),
  createdDate: Timestamp.optional(),
  updatedDate: Timestamp.optional(),
})
export type ObservedWebhook = z.infer<typeof ObservedWebhook>

/** What is written to Bitbucket, always whole: a PUT clears what is absent (B5). */
export interface WebhookBody {
  readonly name: string
  readonly url: string
  readonly events: string[]
  readonly active: boolean
  readonly sslVerificationRequired: boolean
  readonly configuration: Record<string, unknown>
  /** The name alone keeps the password that Bitbucket holds; absent, it clears both. */
  readonly credentials?: { username: string }
}

const repositoryWebhooks = '/api/latest/projects/{projectKey}/repos/{repositorySlug}/webhooks'
const projectWebhooks = '/api/latest/projects/{projectKey}/webhooks'

/** Gives the webhooks of the repository or project; needs REPO_ADMIN or PROJECT_ADMIN, like all below. */
export async function listWebhooks(client: BitbucketClient, scope: WebhookScope): Promise<ObservedWebhook[]> {
  return listAll(client, { path: webhooksPath(scope) }, ObservedWebhook)
}

/** Gives the repository's webhooks and those that it inherits from its project; `scopeType` tells which is which. */
export async function searchWebhooks(client: BitbucketClient, address: RepositoryAddress): Promise<ObservedWebhook[]> {
  return listAll(client, { path: restPath(`${repositoryWebhooks}/search`, { ...address }) }, ObservedWebhook)
}

/** Finds one webhook by its id. */
export async function findWebhook(
  client: BitbucketClient,
  scope: WebhookScope,
  webhookId: number,
): Promise<ObservedWebhook | undefined> {
  return orUndefined(callBitbucket(client, { method: 'GET', path: webhookPath(scope, webhookId) }, ObservedWebhook))
}

/**
 * Creates a webhook. `secretFor` is the address that the secret in the body was made for: the body is refused where
 * its own address is another, so that no secret ever goes to somebody else's address (S68).
 */
export async function createWebhook(
  client: BitbucketClient,
  scope: WebhookScope,
  body: WebhookBody,
  secretFor: string,
): Promise<ObservedWebhook> {
  const call = { method: 'POST', path: webhooksPath(scope), body: checkedBody(body, secretFor) } as const
  return callBitbucket(client, call, ObservedWebhook)
}

/** Replaces a webhook whole; `secretFor` as in `createWebhook`. */
export async function replaceWebhook(
  client: BitbucketClient,
  scope: WebhookScope,
  webhookId: number,
  body: WebhookBody,
  secretFor: string,
): Promise<ObservedWebhook> {
  const call = { method: 'PUT', path: webhookPath(scope, webhookId), body: checkedBody(body, secretFor) } as const
  return callBitbucket(client, call, ObservedWebhook)
}

/** Deletes a webhook; one that is gone already is as good as deleted. */
export async function deleteWebhook(client: BitbucketClient, scope: WebhookScope, webhookId: number): Promise<void> {
  await orUndefined(sendToBitbucket(client, { method: 'DELETE', path: webhookPath(scope, webhookId) }))
}

/** Whether the address is one of the webhook resources, which need admin permission and a token of their own (S29). */
export function isWebhooksPath(url: string): boolean {
  return /\/rest\/api\/[^/]+\/projects\/[^/]+(?:\/repos\/[^/]+)?\/webhooks(?:\/|$)/.test(new URL(url).pathname)
}

/** Whether the token may administer the repository's webhooks; reads none of them (their secrets are in the answer). */
export async function canAdministerWebhooks(client: BitbucketClient, address: RepositoryAddress): Promise<boolean> {
  try {
    await sendToBitbucket(client, { method: 'GET', path: webhooksPath(address), query: { limit: 1 } })
    return true
  } catch (error) {
    if (error instanceof BitbucketError && error.code === 'missing_permission') return false
    throw error
  }
}

/** What became of a test ping; Bitbucket's own record is left out, since it holds the request's credentials. */
export interface WebhookTest {
  /** The status that the endpoint answered, where Bitbucket says. */
  readonly endpointStatus: number | undefined
}

const TestAnswer = z.object({ response: z.object({ statusCode: z.number().int() }) })

/** Makes Bitbucket send its (unsigned) ping. Both id and address are needed: with the id alone it answers 500. */
export async function testWebhook(
  client: BitbucketClient,
  scope: WebhookScope,
  webhook: Pick<ObservedWebhook, 'id' | 'url' | 'sslVerificationRequired'>,
): Promise<WebhookTest> {
  const query = {
    webhookId: webhook.id,
    url: webhook.url,
    sslVerificationRequired: webhook.sslVerificationRequired ?? true,
  }
  const response = await sendToBitbucket(client, { method: 'POST', path: testPath(scope), query, body: {} })
  const answer = TestAnswer.safeParse(parseJson(response.body))
  return { endpointStatus: answer.success ? answer.data.response.statusCode : undefined }
}

function webhooksPath(scope: WebhookScope): RestPath {
  return isRepository(scope) ? restPath(repositoryWebhooks, { ...scope }) : restPath(projectWebhooks, scope)
}

function webhookPath(scope: WebhookScope, id: number): RestPath {
  const webhookId = String(id)
  return isRepository(scope)
    ? restPath(`${repositoryWebhooks}/{webhookId}`, { ...scope, webhookId })
    : restPath(`${projectWebhooks}/{webhookId}`, { ...scope, webhookId })
}

function testPath(scope: WebhookScope): RestPath {
  return isRepository(scope)
    ? restPath(`${repositoryWebhooks}/test`, { ...scope })
    : restPath(`${projectWebhooks}/test`, scope)
}

function isRepository(scope: WebhookScope): scope is RepositoryAddress {
  return scope.repositorySlug !== undefined
}

function checkedBody(body: WebhookBody, secretFor: string) {
  if (body.configuration.secret !== undefined && !isSameWebhookUrl(body.url, secretFor)) {
    throw new Error('A webhook secret must only be sent with the address that it belongs to (S68).')
  }
  return body satisfies RestWebhook
}
