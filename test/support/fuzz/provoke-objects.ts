import type { OperationId } from '../../../schemas/api.ts'
import type { ProblemCode } from '../../../schemas/problem.ts'
import type { ArbitraryRequest } from '../api-requests.ts'
import type { Provoker } from './provoke.ts'
import { toWire } from './requests.ts'

type Row = readonly [OperationId, Partial<ArbitraryRequest>, ProblemCode]

/** What spaces, integrations, pools, users and keys refuse because of one another. */
export async function provokeObjects({ world, ask }: Provoker): Promise<void> {
  const { root, emulator } = world
  const one = { integrationId: 'pillar-default', bitbucketUserId: 4_711 }
  const uuid = '0190a0a0-0000-7000-8000-000000000001'
  const [holder, other] = [
    idOf(await root.call('createUser', { body: { name: 'holder', bitbucketIdentities: [one] } })),
    idOf(await root.call('createUser', { body: { name: 'other' } })),
  ]
  const registrar = idOf(await root.call('createApiKey', { body: { name: 'narrow', role: 'webhook-registrar' } }))
  const integration = { apiHost: emulator.url, accessToken: 'a-token' }
  const [team, guarded] = [{ id: 'pillar-team-vcs' }, { id: 'pillar-guarded-vcs' }]
  const absent = { integrationId: 'absent', bitbucketUserId: 1 }
  const registration = { ...one, projectKey: 'INFRA', repositorySlug: 'network', repositoryId: 1, webhookId: null }
  const { bitbucketUserId: _, ...report } = registration
  const rows: readonly Row[] = [
    ['getApiKey', { params: { id: uuid } }, 'api_key_not_found'],
    ['getUser', { params: { id: uuid } }, 'user_not_found'],
    ['getRun', { params: { id: uuid } }, 'run_not_found'],
    ['getDelivery', { params: { id: uuid } }, 'delivery_not_found'],
    ['forgetRegistration', { params: { id: uuid } }, 'registration_not_found'],
    ['getVcsAgentPool', { params: { id: 'absent' } }, 'vcs_agent_pool_not_found'],
    ['createToken', { body: { keyId: uuid, keySecret: 'wrong' } }, 'invalid_api_key'],
    ['createSession', { body: { keyId: uuid, keySecret: 'wrong' } }, 'invalid_api_key'],
    ['createSession', { body: { ...world.callers.keyOf('worker') } }, 'forbidden'],
    ['createApiKey', { body: { name: 'n', userId: uuid } }, 'user_not_found'],
    ['createApiKey', { body: { name: 'n', role: 'reader', spaceId: 'absent' } }, 'space_not_found'],
    [
      'createApiKey',
      { body: { name: 'n', role: 'webhook-registrar', integrationIds: ['absent'] } },
      'integration_not_found',
    ],
    ['updateApiKey', { params: registrar, body: { integrationIds: ['absent'] } }, 'integration_not_found'],
    ['createUser', { body: { name: 'n', bitbucketIdentities: [one] } }, 'identity_taken'],
    ['createUser', { body: { name: 'n', bitbucketIdentities: [absent] } }, 'integration_not_found'],
    ['createUser', { body: { name: 'n', roles: [{ role: 'reader', spaceId: 'absent' }] } }, 'space_not_found'],
    ['updateUser', { params: other, body: { bitbucketIdentities: [one] } }, 'identity_taken'],
    ['updateUser', { params: other, body: { bitbucketIdentities: [absent] } }, 'integration_not_found'],
    ['updateUser', { params: holder, body: { roles: [{ role: 'reader', spaceId: 'absent' }] } }, 'space_not_found'],
    ['createSpace', { body: { name: 'n', slug: 'pillar-team' } }, 'name_taken'],
    ['createSpace', { body: { name: 'n', parentId: 'absent' } }, 'space_not_found'],
    ['updateSpace', { params: { id: 'pillar-below' }, body: { inheritEntities: false } }, 'would_detach'],
    ['updateSpace', { params: { id: 'root' }, body: { inheritEntities: true } }, 'root_space'],
    ['deleteSpace', { params: { id: 'root' } }, 'root_space'],
    ['deleteSpace', { params: { id: 'pillar-team' } }, 'space_not_empty'],
    ['createIntegration', { body: { name: 'Pillar Default', ...integration } }, 'name_taken'],
    ['createIntegration', { body: { name: 'n', ...integration, isDefault: true } }, 'default_integration_exists'],
    ['createIntegration', { body: { name: 'n', ...integration, spaceId: 'absent' } }, 'space_not_found'],
    ['updateIntegration', { params: team, body: { name: 'another' } }, 'name_immutable'],
    ['updateIntegration', { params: team, body: { apiHost: 'https://elsewhere.example.com' } }, 'token_required'],
    ['updateIntegration', { params: team, body: { spaceId: 'absent' } }, 'space_not_found'],
    ['updateIntegration', { params: team, body: { spaceId: 'pillar-apart' } }, 'would_detach'],
    ['deleteIntegration', { params: guarded }, 'integration_protected'],
    ['testConnection', { body: { ...integration, spaceId: 'absent' } }, 'space_not_found'],
    ['createVcsAgentPool', { body: { name: 'pillar-pool' } }, 'name_taken'],
    ['createVcsAgentPool', { body: { name: 'n', spaceId: 'absent' } }, 'space_not_found'],
    ['updateVcsAgentPool', { params: { id: 'pillar-pool' }, body: { name: 'another' } }, 'name_immutable'],
    ['updateVcsAgentPool', { params: { id: 'pillar-pool' }, body: { spaceId: 'absent' } }, 'space_not_found'],
    [
      'updateVcsAgentPool',
      { params: { id: 'pillar-pool' }, body: { spaceId: 'pillar-apart' } },
      'vcs_agent_pool_in_use',
    ],
    ['deleteVcsAgentPool', { params: { id: 'pillar-pool' } }, 'vcs_agent_pool_in_use'],
    ['listWebhookTargets', { query: { integrationId: 'absent' } }, 'integration_not_found'],
    ['listRegistrations', { query: { integrationId: 'absent' } }, 'integration_not_found'],
    [
      'reportRegistration',
      { body: { ...report, integrationId: 'absent', secretVersion: 1, observed: 'missing', managedBy: 'service' } },
      'integration_not_found',
    ],
  ]
  for (const [id, parts, code] of rows)
    await ask(toWire(id, /Session|Token/.test(id) ? 'page' : 'root admin', parts), code)
}

function idOf({ id }: { readonly id: string }): { readonly id: string } {
  return { id }
}
