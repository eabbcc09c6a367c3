import * as z from 'zod'
import { ApiHost } from './hosts.ts'
import { AccessToken, CaCertificates } from './integration.ts'
import { rootSpaceId } from './space.ts'
import { ProjectKey, RepositorySlug } from './stack.ts'
import { SpaceId } from './text.ts'

/** What is looked at, in this order; where one fails those that need it are left out. */
export const connectionChecks = [
  'reachable',
  'tls',
  'bitbucket',
  'token',
  'projects',
  'repositories',
  'repository',
  'administration_token',
] as const

/** Why a check failed. Of what answered there is nothing in it but this (S37). */
export const connectionFailures = [
  'dns',
  'refused',
  'tls',
  'timeout',
  'not_bitbucket',
  'unauthorised',
  'unavailable',
  'vcs_agent_unavailable',
] as const
export type ConnectionFailure = (typeof connectionFailures)[number]

const Outcome = z.enum(['ok', 'warning', 'failed'])

export const ConnectionCheck = z
  .object({
    name: z.enum(connectionChecks),
    outcome: Outcome,
    code: z.enum(connectionFailures).nullable(),
    detail: z.string().describe('What was found, and what to do about it.'),
  })
  .meta({ id: 'ConnectionCheck' })
export type ConnectionCheck = z.infer<typeof ConnectionCheck>

export const ConnectionTest = z
  .object({
    outcome: Outcome.describe('The worst of the checks.'),
    version: z.string().nullable().describe('Bitbucket’s.'),
    checks: z.array(ConnectionCheck),
  })
  .meta({ id: 'ConnectionTest' })
export type ConnectionTest = z.infer<typeof ConnectionTest>

const TestedRepository = z
  .strictObject({ projectKey: ProjectKey, repositorySlug: RepositorySlug })
  .describe('One to look at; without it the administration token cannot be tested.')

/** A test of an integration as it is stored. */
export const ConnectionTestRequest = z
  .strictObject({ repository: TestedRepository.optional() })
  .meta({ id: 'ConnectionTestRequest' })
export type ConnectionTestRequest = z.infer<typeof ConnectionTestRequest>

/** A test of what is not saved yet: it brings its own tokens, since a stored one never goes to another place (S28). */
export const NewConnectionTest = z
  .strictObject({
    spaceId: SpaceId.default(rootSpaceId).describe('Where the integration is to live.'),
    apiHost: ApiHost,
    caCertPem: CaCertificates.nullable().default(null),
    accessToken: AccessToken,
    administrationToken: AccessToken.nullable().default(null),
    repository: TestedRepository.optional(),
  })
  .meta({ id: 'NewConnectionTest' })
export type NewConnectionTest = z.infer<typeof NewConnectionTest>
