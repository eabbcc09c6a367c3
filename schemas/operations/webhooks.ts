import * as z from 'zod'
import type { OperationTable } from '../operation.ts'
import { pageOf, pageQuery } from '../page.ts'
import { Slug } from '../text.ts'
import { NewRegistration, Registration, WebhookTarget } from '../webhook-target.ts'
import { byRowId } from './parameters.ts'

export const webhookOperations = {
  listWebhookTargets: {
    method: 'GET',
    path: '/api/v1/webhook-targets',
    summary: 'List the webhooks that should exist in Bitbucket; recorded in the audit log',
    permission: 'webhooks',
    query: z.object({ limit: pageQuery.limit, cursor: pageQuery.cursor, integrationId: Slug.optional() }),
    status: 200,
    response: pageOf(WebhookTarget),
    problems: ['integration_not_found'],
    secretFields: ['secret'],
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
} as const satisfies OperationTable
