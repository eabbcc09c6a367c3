import * as z from 'zod'
import { ApiHost, UserFacingHost } from './hosts.ts'
import { mostGlobs, RepositoryGlob } from './rules/globs.ts'
import { rootSpaceId } from './space.ts'
import { Description, Labels, Name, Slug, SpaceId, Timestamp } from './text.ts'

const Username = z.string().max(255)
export const AccessToken = z
  .string()
  .min(1, 'expected a token; leave the field out to keep the stored one')
  .max(4096)
  .regex(/^[!-~]*$/, 'expected printable ASCII without blanks, as HTTP carries it in a header')

/** How commit checks are grouped: one for each stack, one for all together, or both (R14). */
export const vcsChecks = ['INDIVIDUAL', 'AGGREGATED', 'ALL'] as const

export const CaCertificates = z
  .string()
  .min(1)
  .max(65_536)
  .describe('PEM certificates that are trusted beside the public ones, for this integration alone.')

/** What stacks and modules of one space, and of the spaces that inherit from it, may use through the integration. */
const RepositoryRule = z
  .strictObject({
    spaceId: SpaceId,
    repositories: z.array(RepositoryGlob).min(1).max(mostGlobs).describe('Patterns over PROJECT/slug: *, ? and **.'),
  })
  .meta({ id: 'RepositoryRule' })

/** Which repositories may be used through an integration, whatever its token reads (R27b, S23). */
export const RepositoryAccess = z
  .array(RepositoryRule)
  .max(1_000)
  .refine((rules) => new Set(rules.map(({ spaceId }) => spaceId)).size === rules.length, 'expected each space once')
export type RepositoryAccess = z.infer<typeof RepositoryAccess>

const tokenNeeds =
  'An HTTP access token of Bitbucket with read permission on the projects and repositories that are to be used; it needs no other. Stored sealed, never shown.'
const administrationTokenNeeds =
  'A second token, with admin permission on repositories, for registering webhooks and nothing else. Not needed where webhooks are entered by hand or by a service with a token of its own. Stored sealed, never shown.'
const hostNeedsTokens =
  'A change of it, or of caCertPem, needs the tokens in the same request: a stored one is never sent to another place.'

/** A Bitbucket Data Center integration. Its token and its webhook secret are in no answer that lists or shows it. */
export const Integration = z
  .object({
    id: Slug.describe('The slug of the name; the webhook endpoint ends in it.'),
    name: Name,
    isDefault: z.boolean().describe('The one integration that every stack and module may use; lives in root.'),
    spaceId: SpaceId,
    apiHost: ApiHost,
    userFacingHost: UserFacingHost.describe('The address in links that people see; follows apiHost unless set.'),
    username: Username.describe('The user of git over HTTP, and whose comments and pushes are our own.'),
    hasAdministrationToken: z.boolean(),
    caCertPem: CaCertificates.nullable(),
    labels: Labels,
    description: Description.describe('Markdown.'),
    vcsChecks: z.enum(vcsChecks),
    useGitCheckout: z.boolean().describe('Workers check out with git instead of an archive.'),
    repositoryAccess: RepositoryAccess.nullable().describe(
      'Null: every repository that the token reads. Else the rules, of which you see those of spaces that you may see.',
    ),
    requireBitbucketAccess: z
      .boolean()
      .describe('Whoever attaches has to show, with a token of his own, that he may read the repository.'),
    allowDetachOnDestroy: z.boolean().describe('False protects it from deletion while stacks are attached.'),
    warnings: z.array(z.string()).describe('What is dangerous about it as it is, one sentence each.'),
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
    spaceId: SpaceId.default(rootSpaceId),
    apiHost: ApiHost,
    userFacingHost: UserFacingHost.nullable().default(null),
    username: Username.default(''),
    accessToken: AccessToken.describe(tokenNeeds),
    administrationToken: AccessToken.nullable().default(null).describe(administrationTokenNeeds),
    caCertPem: CaCertificates.nullable().default(null),
    labels: Labels.default([]),
    description: Description.default(''),
    vcsChecks: z.enum(vcsChecks).default('INDIVIDUAL'),
    useGitCheckout: z.boolean().default(false),
    repositoryAccess: RepositoryAccess.nullable()
      .optional()
      .describe('Null: every repository that the token reads. When absent: as MOORING_REPOSITORY_ACCESS says.'),
    requireBitbucketAccess: z.boolean().default(false),
    allowDetachOnDestroy: z.boolean().default(true),
  })
  .meta({ id: 'NewIntegration' })
export type NewIntegration = z.infer<typeof NewIntegration>

export const IntegrationUpdate = z
  .strictObject({
    name: Name.optional().describe('Accepted only when it is the present name.'),
    isDefault: z.boolean().optional().describe('Accepted only when it is the present value.'),
    spaceId: SpaceId.optional(),
    apiHost: ApiHost.optional().describe(hostNeedsTokens),
    userFacingHost: UserFacingHost.nullable().optional().describe('Null: follow apiHost.'),
    username: Username.optional(),
    accessToken: AccessToken.optional().describe(tokenNeeds),
    administrationToken: AccessToken.nullable().optional().describe(`${administrationTokenNeeds} Null: removes it.`),
    caCertPem: CaCertificates.nullable().optional(),
    labels: Labels.optional(),
    description: Description.optional(),
    vcsChecks: z.enum(vcsChecks).optional(),
    useGitCheckout: z.boolean().optional(),
    repositoryAccess: RepositoryAccess.nullable()
      .optional()
      .describe('What it no longer allows is detached at once; a dry run lists it before.'),
    requireBitbucketAccess: z.boolean().optional(),
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

/** Somebody's look at the integration, or change of it. */
const IntegrationEvent = z.object({
  at: Timestamp,
  actor: z.string().describe('`key:<API key id>`, or `server`.'),
  keyName: z.string().nullable().describe('The name of that API key.'),
  action: z.string(),
})

/** What "See details" shows: what to enter in Bitbucket, and who looked (R26). Reading it is recorded. */
export const IntegrationDetails = z
  .object({
    webhookUrl: z.string(),
    webhookSecret: z.string(),
    secretVersion: z.int().describe('Counts the secrets of this integration, from 1.'),
    webhookEvents: z
      .array(z.object({ key: z.string(), label: z.string() }))
      .describe('To be activated in Bitbucket; `label` is what its form says.'),
    history: z.array(IntegrationEvent).describe('The newest fifty, this look among them, newest first.'),
  })
  .meta({ id: 'IntegrationDetails' })
export type IntegrationDetails = z.infer<typeof IntegrationDetails>
