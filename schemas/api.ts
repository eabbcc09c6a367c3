import * as z from 'zod'
import { ApiKey, CreatedApiKey, NewApiKey, Token, TokenRequest } from './api-key.ts'
import { Delivery, deliveryStates } from './delivery.ts'
import { Integration, IntegrationUpdate, NewIntegration, WebhookCredentials } from './integration.ts'
import { Meta } from './meta.ts'
import type { Operation } from './operation.ts'
import { pageOf, pageQuery } from './page.ts'
import { Run } from './run.ts'
import { NewSpace, Space, SpaceUpdate } from './space.ts'
import { Attachment, NewAttachment, NewStack, Stack, StackUpdate } from './stack.ts'
import { RowId, Slug } from './text.ts'
import { NewRegistration, Registration, WebhookTarget } from './webhook-target.ts'

const bySlug = z.object({ id: Slug })
const byRowId = z.object({ id: RowId })

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true')
const detaching = z.object({
  dryRun: flag.describe('Answers what would happen, and changes nothing.'),
  force: flag.describe('Detaches the stacks that lose their integration.'),
})
const saving = z.object({
  skipVerification: flag.describe('Saves although Bitbucket could not be asked.'),
})

/** The stacks that lost, or in a dry run would lose, their integration. */
const Detached = z.object({ detached: z.array(Slug) }).meta({ id: 'Detached' })

/** Every operation of the API under one stable name; OpenAPI, router, client and types follow from this table. */
export const operations = {
  getMeta: {
    method: 'GET',
    path: '/api/v1/meta',
    summary: 'Version and capabilities of the server',
    permission: 'anyone',
    status: 200,
    response: Meta,
    problems: [],
  },
  createToken: {
    method: 'POST',
    path: '/api/v1/token',
    summary: 'Exchange an API key for a token of ten minutes',
    permission: 'anyone',
    body: TokenRequest,
    status: 200,
    response: Token,
    problems: ['invalid_api_key', 'too_many_requests'],
  },
  createApiKey: {
    method: 'POST',
    path: '/api/v1/api-keys',
    summary: 'Create an API key',
    permission: 'api-keys:create',
    body: NewApiKey,
    status: 201,
    response: CreatedApiKey,
    problems: ['space_not_found'],
  },
  listApiKeys: {
    method: 'GET',
    path: '/api/v1/api-keys',
    summary: 'List the API keys',
    permission: 'administer',
    query: z.object(pageQuery),
    status: 200,
    response: pageOf(ApiKey),
    problems: [],
  },
  revokeApiKey: {
    method: 'DELETE',
    path: '/api/v1/api-keys/{id}',
    summary: 'Revoke an API key, and the tokens made from it',
    permission: 'administer',
    params: byRowId,
    status: 204,
    problems: ['api_key_not_found'],
  },
  createSpace: {
    method: 'POST',
    path: '/api/v1/spaces',
    summary: 'Create a space',
    permission: 'administer',
    body: NewSpace,
    status: 201,
    response: Space,
    problems: ['name_taken', 'space_not_found'],
  },
  listSpaces: {
    method: 'GET',
    path: '/api/v1/spaces',
    summary: 'List the spaces',
    permission: 'administer',
    query: z.object(pageQuery),
    status: 200,
    response: pageOf(Space),
    problems: [],
  },
  getSpace: {
    method: 'GET',
    path: '/api/v1/spaces/{id}',
    summary: 'Read a space',
    permission: 'administer',
    params: bySlug,
    status: 200,
    response: Space,
    problems: ['space_not_found'],
  },
  updateSpace: {
    method: 'PATCH',
    path: '/api/v1/spaces/{id}',
    summary: 'Change a space, or move it below another parent',
    permission: 'administer',
    params: bySlug,
    query: detaching,
    body: SpaceUpdate,
    status: 200,
    response: z.object({ space: Space, ...Detached.shape }),
    problems: ['space_not_found', 'root_space', 'would_detach'],
  },
  deleteSpace: {
    method: 'DELETE',
    path: '/api/v1/spaces/{id}',
    summary: 'Delete an empty space',
    permission: 'administer',
    params: bySlug,
    status: 204,
    problems: ['space_not_found', 'root_space', 'space_not_empty'],
  },
  createIntegration: {
    method: 'POST',
    path: '/api/v1/integrations',
    summary: 'Create a Bitbucket Data Center integration',
    permission: 'administer',
    body: NewIntegration,
    status: 201,
    response: Integration,
    problems: ['name_taken', 'default_integration_exists', 'space_not_found', 'public_url_required'],
  },
  listIntegrations: {
    method: 'GET',
    path: '/api/v1/integrations',
    summary: 'List the integrations',
    permission: 'webhooks',
    query: z.object({ ...pageQuery, spaceId: Slug.optional(), isDefault: z.enum(['true', 'false']).optional() }),
    status: 200,
    response: pageOf(Integration),
    problems: [],
  },
  getIntegration: {
    method: 'GET',
    path: '/api/v1/integrations/{id}',
    summary: 'Read an integration',
    permission: 'webhooks',
    params: bySlug,
    status: 200,
    response: Integration,
    problems: ['integration_not_found'],
  },
  updateIntegration: {
    method: 'PATCH',
    path: '/api/v1/integrations/{id}',
    summary: 'Change an integration, or move it to another space',
    permission: 'administer',
    params: bySlug,
    query: detaching,
    body: IntegrationUpdate,
    status: 200,
    response: z.object({ integration: Integration, ...Detached.shape }),
    problems: ['integration_not_found', 'space_not_found', 'name_immutable', 'token_required', 'would_detach'],
  },
  deleteIntegration: {
    method: 'DELETE',
    path: '/api/v1/integrations/{id}',
    summary: 'Delete an integration and detach its stacks',
    permission: 'administer',
    params: bySlug,
    query: z.object({ dryRun: flag }),
    status: 200,
    response: Detached,
    problems: ['integration_not_found', 'integration_protected'],
  },
  readWebhookCredentials: {
    method: 'GET',
    path: '/api/v1/integrations/{id}/webhook-credentials',
    summary: 'Reveal the webhook endpoint and secret; recorded in the audit log',
    permission: 'webhooks',
    params: bySlug,
    status: 200,
    response: WebhookCredentials,
    problems: ['integration_not_found'],
  },
  createStack: {
    method: 'POST',
    path: '/api/v1/stacks',
    summary: 'Create a stack',
    permission: 'administer',
    query: saving,
    body: NewStack,
    status: 201,
    response: Stack,
    problems: [
      'name_taken',
      'space_not_found',
      'integration_not_found',
      'integration_not_usable',
      'repository_not_in_bitbucket',
      'bitbucket_refused',
      'bitbucket_unreachable',
    ],
  },
  listStacks: {
    method: 'GET',
    path: '/api/v1/stacks',
    summary: 'List the stacks',
    permission: 'administer',
    query: z.object({
      ...pageQuery,
      spaceId: Slug.optional(),
      integrationId: Slug.optional(),
      detached: z.enum(['true', 'false']).optional(),
    }),
    status: 200,
    response: pageOf(Stack),
    problems: [],
  },
  getStack: {
    method: 'GET',
    path: '/api/v1/stacks/{id}',
    summary: 'Read a stack',
    permission: 'administer',
    params: bySlug,
    status: 200,
    response: Stack,
    problems: ['stack_not_found'],
  },
  updateStack: {
    method: 'PATCH',
    path: '/api/v1/stacks/{id}',
    summary: 'Change a stack, or its repository',
    permission: 'administer',
    params: bySlug,
    query: saving,
    body: StackUpdate,
    status: 200,
    response: Stack,
    problems: [
      'stack_not_found',
      'space_not_found',
      'stack_already_attached',
      'integration_not_found',
      'integration_not_usable',
      'repository_not_in_bitbucket',
      'bitbucket_refused',
      'bitbucket_unreachable',
    ],
  },
  deleteStack: {
    method: 'DELETE',
    path: '/api/v1/stacks/{id}',
    summary: 'Delete a stack and its runs',
    permission: 'administer',
    params: bySlug,
    status: 204,
    problems: ['stack_not_found'],
  },
  attachStack: {
    method: 'POST',
    path: '/api/v1/stacks/{id}/attachment',
    summary: 'Attach a stack to a repository',
    permission: 'administer',
    params: bySlug,
    query: saving,
    body: NewAttachment,
    status: 201,
    response: Attachment,
    problems: [
      'stack_not_found',
      'stack_already_attached',
      'integration_not_found',
      'integration_not_usable',
      'repository_not_in_bitbucket',
      'bitbucket_refused',
      'bitbucket_unreachable',
    ],
  },
  getAttachment: {
    method: 'GET',
    path: '/api/v1/stacks/{id}/attachment',
    summary: 'Read a stack’s attachment',
    permission: 'administer',
    params: bySlug,
    status: 200,
    response: Attachment,
    problems: ['stack_not_found', 'attachment_not_found'],
  },
  replaceAttachment: {
    method: 'PUT',
    path: '/api/v1/stacks/{id}/attachment',
    summary: 'Change the integration or the repository of an attachment',
    permission: 'administer',
    params: bySlug,
    query: saving,
    body: NewAttachment,
    status: 200,
    response: Attachment,
    problems: [
      'stack_not_found',
      'attachment_not_found',
      'stack_already_attached',
      'integration_not_found',
      'integration_not_usable',
      'repository_not_in_bitbucket',
      'bitbucket_refused',
      'bitbucket_unreachable',
    ],
  },
  detachStack: {
    method: 'DELETE',
    path: '/api/v1/stacks/{id}/attachment',
    summary: 'Detach a stack from its repository',
    permission: 'administer',
    params: bySlug,
    status: 204,
    problems: ['stack_not_found', 'attachment_not_found'],
  },
  listRuns: {
    method: 'GET',
    path: '/api/v1/runs',
    summary: 'List the runs, newest first',
    permission: 'administer',
    query: z.object({ ...pageQuery, stackId: Slug.optional() }),
    status: 200,
    response: pageOf(Run),
    problems: ['stack_not_found'],
  },
  getRun: {
    method: 'GET',
    path: '/api/v1/runs/{id}',
    summary: 'Read a run',
    permission: 'administer',
    params: byRowId,
    status: 200,
    response: Run,
    problems: ['run_not_found'],
  },
  listDeliveries: {
    method: 'GET',
    path: '/api/v1/integrations/{id}/deliveries',
    summary: 'List an integration’s deliveries, newest first',
    permission: 'administer',
    params: bySlug,
    query: z.object({ ...pageQuery, state: z.enum(deliveryStates).optional() }),
    status: 200,
    response: pageOf(Delivery),
    problems: ['integration_not_found'],
  },
  getDelivery: {
    method: 'GET',
    path: '/api/v1/deliveries/{id}',
    summary: 'Read a delivery',
    permission: 'administer',
    params: byRowId,
    status: 200,
    response: Delivery,
    problems: ['delivery_not_found'],
  },
  listWebhookTargets: {
    method: 'GET',
    path: '/api/v1/webhook-targets',
    summary: 'List the webhooks that should exist in Bitbucket; recorded in the audit log',
    permission: 'webhooks',
    query: z.object({ limit: pageQuery.limit, cursor: pageQuery.cursor, integrationId: Slug.optional() }),
    status: 200,
    response: pageOf(WebhookTarget),
    problems: ['integration_not_found'],
  },
  reportRegistration: {
    method: 'PUT',
    path: '/api/v1/registrations',
    summary: 'Report a webhook that was registered or looked at',
    permission: 'webhooks',
    body: NewRegistration,
    status: 200,
    response: Registration,
    problems: ['integration_not_found'],
  },
  listRegistrations: {
    method: 'GET',
    path: '/api/v1/registrations',
    summary: 'List the registered webhooks',
    permission: 'webhooks',
    query: z.object({ ...pageQuery, integrationId: Slug.optional() }),
    status: 200,
    response: pageOf(Registration),
    problems: ['integration_not_found'],
  },
  forgetRegistration: {
    method: 'DELETE',
    path: '/api/v1/registrations/{id}',
    summary: 'Forget a webhook that its manager has deleted',
    permission: 'webhooks',
    params: byRowId,
    status: 204,
    problems: ['registration_not_found'],
  },
} as const satisfies Record<string, Operation>

export type Operations = typeof operations
export type OperationId = keyof Operations

type Sent<T> = T extends z.ZodType ? z.input<T> : never
type Received<T> = T extends z.ZodType ? z.output<T> : never
type Part<Id extends OperationId, Key extends 'params' | 'query' | 'body'> = Operations[Id] extends {
  readonly [P in Key]: infer Schema
}
  ? Schema
  : undefined
type Parts<Id extends OperationId, Direction extends 'sent' | 'received'> = {
  [Key in 'params' | 'query' | 'body' as Part<Id, Key> extends undefined ? never : Key]: Direction extends 'sent'
    ? Sent<Part<Id, Key>>
    : Received<Part<Id, Key>>
}

/** What a client sends: `params`, `query` and `body`, those that the operation has; defaults may be left out. */
export type OperationRequest<Id extends OperationId> = Parts<Id, 'sent'>
/** What the server's handler receives: the same, validated, defaults filled in. */
export type OperationInput<Id extends OperationId> = Parts<Id, 'received'>
/** What the operation answers; undefined where it answers nothing. */
export type OperationOutput<Id extends OperationId> = Operations[Id] extends { readonly response: infer Schema }
  ? Received<Schema>
  : undefined
