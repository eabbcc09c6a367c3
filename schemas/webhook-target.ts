import * as z from 'zod'
import { ProjectKey, RepositorySlug } from './stack.ts'
import { RowId, Slug, Timestamp } from './text.ts'
import { EventKey } from './webhook.ts'

/** Who writes a webhook in Bitbucket: the hook service, the server, or a Terraform configuration. */
export const webhookManagers = ['service', 'server', 'terraform'] as const

/** One webhook that should exist: a repository with attached stacks, and what its webhook must be (R140). */
export const WebhookTarget = z
  .object({
    integrationId: Slug,
    integrationName: z.string(),
    instanceId: z.uuid().describe('The server, in the webhook’s mark.'),
    apiHost: z.string(),
    projectKey: ProjectKey,
    repositorySlug: RepositorySlug,
    repositoryId: z.int().nullable(),
    url: z.string(),
    secret: z.string(),
    secretVersion: z.int(),
    events: z.array(EventKey),
    managedBy: z.enum(webhookManagers).describe('terraform: its drift is reported and left alone.'),
    webhookId: z.int().nullable().describe('The registered webhook, once reported.'),
    stackIds: z.array(Slug),
    moduleIds: z.array(Slug).default([]),
  })
  .meta({ id: 'WebhookTarget' })
export type WebhookTarget = z.infer<typeof WebhookTarget>

export const observedStates = ['in_sync', 'drifted', 'missing'] as const

/** What a manager reports after it looked at, or wrote, a repository's webhook (R142). */
export const NewRegistration = z
  .strictObject({
    integrationId: Slug,
    projectKey: ProjectKey,
    repositorySlug: RepositorySlug,
    repositoryId: z.int(),
    webhookId: z.int().nullable().describe('Null: there is none.'),
    secretVersion: z.int().min(1).max(2_147_483_647).nullable(),
    observed: z.enum(observedStates),
    drift: z.array(z.string()).default([]).describe('The kinds of drift found, never values.'),
    managedBy: z.enum(webhookManagers),
  })
  .meta({ id: 'NewRegistration' })
export type NewRegistration = z.infer<typeof NewRegistration>

export const Registration = z
  .object({ id: RowId, ...NewRegistration.shape, reportedAt: Timestamp })
  .meta({ id: 'Registration' })
export type Registration = z.infer<typeof Registration>
