import * as z from 'zod'
import { ApiHost, UserFacingHost } from './hosts.ts'
import { rootSpaceId } from './space.ts'
import { Description, Labels, Name, Slug, Timestamp } from './text.ts'

const Username = z.string().max(255)
const AccessToken = z
  .string()
  .min(1, 'expected a token; leave the field out to keep the stored one')
  .max(4096)
  .regex(/^[!-~]*$/, 'expected printable ASCII without blanks, as HTTP carries it in a header')

/** A Bitbucket Data Center integration. Its token and its webhook secret are in no answer that lists or shows it. */
export const Integration = z
  .object({
    id: Slug.describe('The slug of the name; the webhook endpoint ends in it.'),
    name: Name,
    isDefault: z.boolean().describe('The one integration that every stack and module may use; lives in root.'),
    spaceId: Slug,
    apiHost: ApiHost,
    userFacingHost: UserFacingHost.describe('The address in links that people see; follows apiHost unless set.'),
    username: Username,
    labels: Labels,
    description: Description,
    allowDetachOnDestroy: z.boolean().describe('False protects it from deletion while stacks are attached.'),
    webhookUrl: z.string().describe('The webhook endpoint, to be entered in Bitbucket.'),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Integration' })
export type Integration = z.infer<typeof Integration>

export const NewIntegration = z
  .strictObject({
    name: Name.describe('Cannot change: the webhook endpoint is built from it.'),
    isDefault: z.boolean().default(false),
    spaceId: Slug.default(rootSpaceId),
    apiHost: ApiHost,
    userFacingHost: UserFacingHost.nullable().default(null),
    username: Username.default(''),
    accessToken: AccessToken.describe('An HTTP access token with read permission; stored sealed, never shown.'),
    labels: Labels.default([]),
    description: Description.default(''),
    allowDetachOnDestroy: z.boolean().default(true),
  })
  .meta({ id: 'NewIntegration' })
export type NewIntegration = z.infer<typeof NewIntegration>

export const IntegrationUpdate = z
  .strictObject({
    name: Name.optional().describe('Accepted only when it is the present name.'),
    isDefault: z.boolean().optional().describe('Accepted only when it is the present value.'),
    spaceId: Slug.optional(),
    apiHost: ApiHost.optional().describe('A change needs accessToken in the same request.'),
    userFacingHost: UserFacingHost.nullable().optional().describe('Null: follow apiHost.'),
    username: Username.optional(),
    accessToken: AccessToken.optional(),
    labels: Labels.optional(),
    description: Description.optional(),
    allowDetachOnDestroy: z.boolean().optional(),
  })
  .meta({ id: 'IntegrationUpdate' })
export type IntegrationUpdate = z.infer<typeof IntegrationUpdate>

/** What to enter in Bitbucket. Reading it is recorded in the audit log. */
export const WebhookCredentials = z
  .object({
    url: z.string(),
    secret: z.string(),
    version: z.int().describe('Counts the secrets of this integration, from 1.'),
  })
  .meta({ id: 'WebhookCredentials' })
export type WebhookCredentials = z.infer<typeof WebhookCredentials>
