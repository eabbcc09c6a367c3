import type { OperationId } from './api.ts'
import { exampleAnswers } from './api-example-answers.ts'

/** One call of the story that the documentation tells: what is sent, and what the server answered to it. */
export interface ApiExample {
  readonly operation: OperationId
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: unknown
  readonly answer?: unknown
  /** Where in the answer an id stands that later calls use: a path such as `items.0.id`, and the id in the story. */
  readonly names?: Readonly<Record<string, string>>
}

/** The ids of the story that the server draws. */
export const exampleIds = {
  apiKey: '0190f3a0-1000-7000-8000-000000000001',
  user: '0190f3a0-2000-7000-8000-000000000002',
  delivery: '0190f3a0-3000-7000-8000-000000000003',
  run: '0190f3a0-4000-7000-8000-000000000004',
  registration: '0190f3a0-5000-7000-8000-000000000005',
} as const

/** What stands for a secret in the story; nobody has these. */
export const exampleSecrets = {
  apiKey: 'the-secret-that-was-shown-when-the-key-was-made',
  bitbucketToken: 'an-http-access-token',
} as const

/** The Bitbucket of the story. */
export const exampleBitbucket = 'https://bitbucket.example.com'
/** The address of the story's server, as Bitbucket reaches it. */
export const exampleServer = 'https://mooring.example.com'

const space = { id: 'platform' }
const integration = { id: 'company-bitbucket' }
const stack = { id: 'network' }
const attached = { id: 'dns' }
const terraformModule = { id: 'subnets' }

/** The story in its order, without the answers: a test tells it to a real server, and records them. */
const story: readonly Omit<ApiExample, 'answer'>[] = [
  { operation: 'getMeta' },
  {
    operation: 'createToken',
    body: { keyId: exampleIds.apiKey, keySecret: exampleSecrets.apiKey },
  },
  { operation: 'getMe' },
  { operation: 'createSession', body: { keyId: exampleIds.apiKey, keySecret: exampleSecrets.apiKey } },
  { operation: 'getSession' },
  { operation: 'deleteSession' },
  {
    operation: 'createSpace',
    body: { name: 'Platform', description: 'Everything that the platform team runs.', labels: ['team:platform'] },
  },
  { operation: 'getSpace', params: space },
  { operation: 'listSpaces', query: { allLabels: ['team:platform'], limit: '50' } },
  {
    operation: 'updateSpace',
    params: space,
    query: { dryRun: 'false', force: 'false' },
    body: { inheritEntities: true },
  },
  {
    operation: 'createIntegration',
    body: {
      name: 'Company Bitbucket',
      spaceId: 'platform',
      apiHost: exampleBitbucket,
      accessToken: exampleSecrets.bitbucketToken,
      labels: ['team:platform'],
      description: 'The Bitbucket of the whole company.',
    },
  },
  { operation: 'getIntegration', params: integration },
  { operation: 'listIntegrations', query: { spaceId: 'platform' } },
  {
    operation: 'updateIntegration',
    params: integration,
    query: { dryRun: 'false', force: 'false' },
    body: { description: 'The Bitbucket of the whole company, read by platform.' },
  },
  { operation: 'readIntegrationDetails', params: integration },
  { operation: 'readWebhookCredentials', params: integration },
  {
    operation: 'testIntegration',
    params: integration,
    body: { repository: { projectKey: 'INFRA', repositorySlug: 'network' } },
  },
  {
    operation: 'testConnection',
    body: { spaceId: 'platform', apiHost: exampleBitbucket, accessToken: exampleSecrets.bitbucketToken },
  },
  {
    operation: 'createStack',
    query: { skipVerification: 'false' },
    body: {
      name: 'Network',
      spaceId: 'platform',
      branch: 'main',
      projectRoot: 'live/network',
      labels: ['env:production'],
      repository: { integrationId: 'company-bitbucket', projectKey: 'INFRA', repositorySlug: 'network' },
    },
  },
  { operation: 'getStack', params: stack },
  { operation: 'listStacks', query: { spaceId: 'platform', detached: 'false' } },
  { operation: 'updateStack', params: stack, query: { skipVerification: 'false' }, body: { projectRoot: '' } },
  { operation: 'createStack', body: { name: 'DNS', spaceId: 'platform', branch: 'main' } },
  {
    operation: 'attachStack',
    params: attached,
    query: { skipVerification: 'false' },
    body: { integrationId: 'company-bitbucket', projectKey: 'INFRA', repositorySlug: 'dns' },
  },
  { operation: 'getAttachment', params: attached },
  {
    operation: 'replaceAttachment',
    params: attached,
    query: { skipVerification: 'false' },
    body: { integrationId: 'company-bitbucket', projectKey: 'INFRA', repositorySlug: 'network' },
  },
  { operation: 'detachStack', params: attached },
  {
    operation: 'createModule',
    query: { skipVerification: 'false' },
    body: { name: 'Subnets', spaceId: 'platform', branch: 'main', labels: ['team:platform'] },
  },
  { operation: 'getModule', params: terraformModule },
  { operation: 'listModules', query: { anyLabel: ['team:platform', 'team:network'] } },
  {
    operation: 'attachModule',
    params: terraformModule,
    query: { skipVerification: 'false' },
    body: { integrationId: 'company-bitbucket', projectKey: 'INFRA', repositorySlug: 'network' },
  },
  { operation: 'getModuleAttachment', params: terraformModule },
  {
    operation: 'replaceModuleAttachment',
    params: terraformModule,
    query: { skipVerification: 'false' },
    body: { integrationId: 'company-bitbucket', projectKey: 'INFRA', repositorySlug: 'dns' },
  },
  { operation: 'detachModule', params: terraformModule },
  {
    operation: 'updateModule',
    params: terraformModule,
    query: { skipVerification: 'false' },
    body: { projectRoot: 'modules/subnets' },
  },
  { operation: 'deleteModule', params: terraformModule },
  { operation: 'listUsableIntegrations', params: space },
  { operation: 'listBitbucketProjects', params: integration, query: { spaceId: 'platform' } },
  { operation: 'listBitbucketRepositories', params: integration, query: { spaceId: 'platform', project: 'INFRA' } },
  {
    operation: 'listBitbucketBranches',
    params: integration,
    query: { spaceId: 'platform', repository: 'INFRA/network' },
  },
  {
    operation: 'listBitbucketTree',
    params: integration,
    query: { spaceId: 'platform', repository: 'INFRA/network', branch: 'main', path: 'live' },
  },
  { operation: 'listWebhookTargets', query: { integrationId: 'company-bitbucket', limit: '500' } },
  {
    operation: 'reportRegistration',
    body: {
      integrationId: 'company-bitbucket',
      projectKey: 'INFRA',
      repositorySlug: 'network',
      repositoryId: 1,
      webhookId: 12,
      secretVersion: 1,
      observed: 'in_sync',
      drift: [],
      managedBy: 'service',
    },
    names: { id: exampleIds.registration },
  },
  { operation: 'listRegistrations', query: { integrationId: 'company-bitbucket' } },
  {
    operation: 'listDeliveries',
    params: integration,
    query: { state: 'processed' },
    names: { 'items.0.id': exampleIds.delivery },
  },
  { operation: 'getDelivery', params: { id: exampleIds.delivery } },
  { operation: 'listRuns', query: { stackId: 'network' }, names: { 'items.0.id': exampleIds.run } },
  { operation: 'getRun', params: { id: exampleIds.run } },
  {
    operation: 'createApiKey',
    body: { name: 'Hook service', role: 'webhook-registrar', spaceId: 'platform' },
    names: { id: exampleIds.apiKey },
  },
  { operation: 'getApiKey', params: { id: exampleIds.apiKey } },
  { operation: 'listApiKeys' },
  {
    operation: 'updateApiKey',
    params: { id: exampleIds.apiKey },
    body: { name: 'Hook service of platform', integrationIds: ['company-bitbucket'] },
  },
  { operation: 'revokeApiKey', params: { id: exampleIds.apiKey } },
  {
    operation: 'createUser',
    body: {
      name: 'Ada',
      roles: [{ role: 'writer', spaceId: 'platform' }],
      bitbucketIdentities: [{ integrationId: 'company-bitbucket', bitbucketUserId: 42 }],
    },
    names: { id: exampleIds.user },
  },
  { operation: 'getUser', params: { id: exampleIds.user } },
  { operation: 'listUsers' },
  {
    operation: 'updateUser',
    params: { id: exampleIds.user },
    body: { roles: [{ role: 'admin', spaceId: 'platform' }] },
  },
  { operation: 'deleteUser', params: { id: exampleIds.user } },
  {
    operation: 'createVcsAgentPool',
    body: { name: 'inside', spaceId: 'platform', description: 'Agents inside the company network.' },
  },
  { operation: 'getVcsAgentPool', params: { id: 'inside' } },
  { operation: 'listVcsAgentPools', query: { spaceId: 'platform' } },
  { operation: 'updateVcsAgentPool', params: { id: 'inside' }, body: { labels: ['site:berlin'] } },
  { operation: 'deleteVcsAgentPool', params: { id: 'inside' } },
  { operation: 'listAudit', query: { object: 'space:platform', limit: '1' } },
  { operation: 'forgetRegistration', params: { id: exampleIds.registration } },
  { operation: 'deleteStack', params: attached },
  { operation: 'deleteIntegration', params: integration, query: { dryRun: 'false' } },
  { operation: 'deleteStack', params: stack },
  { operation: 'deleteSpace', params: space },
]

/** The story, each call with the answer that was recorded. */
export const apiExamples: readonly ApiExample[] = story.map((example, index) => {
  const recorded = exampleAnswers[index]
  const isRecorded = recorded?.operation === example.operation && recorded.answer !== undefined
  return { ...example, ...(isRecorded ? { answer: recorded.answer } : {}) }
})
