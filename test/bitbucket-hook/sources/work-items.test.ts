import { expect, test } from 'vitest'
import type { ServerState } from '../../../bitbucket-hook/sources/read-server.ts'
import { workItems } from '../../../bitbucket-hook/sources/work-items.ts'
import type { Integration } from '../../../schemas/integration.ts'
import type { Registration, WebhookTarget } from '../../../schemas/webhook-target.ts'

const target: WebhookTarget = {
  integrationId: 'main',
  integrationName: 'main',
  instanceId: '0b6d6b0e-0000-4000-8000-000000000002',
  apiHost: 'https://git.example.com/bitbucket',
  projectKey: 'PRJ',
  repositorySlug: 'infra',
  repositoryId: 7,
  url: 'https://mooring.example.com/webhooks/bitbucket-datacenter/main',
  secret: 'secret',
  secretVersion: 1,
  events: ['repo:refs_changed'],
  managedBy: 'service',
  webhookId: null,
  stackIds: ['a'],
  moduleIds: [],
}
const registration: Registration = {
  id: '0b6d6b0e-0000-7000-8000-000000000003',
  integrationId: 'main',
  projectKey: 'PRJ',
  repositorySlug: 'infra',
  repositoryId: 7,
  webhookId: 3,
  secretVersion: 1,
  observed: 'in_sync',
  drift: [],
  managedBy: 'service',
  reportedAt: '2026-01-01T00:00:00.000Z',
}
const integration = { id: 'main', apiHost: target.apiHost, webhookUrl: target.url } as Integration

function kinds(state: Partial<ServerState>, bitbucketUrl = target.apiHost): string[] {
  const whole = { instanceId: target.instanceId, targets: [], registrations: [], integrations: [integration], ...state }
  return workItems(whole, bitbucketUrl).map((item) => (item.kind === 'skipped' ? item.reason : item.kind))
}

test.for([
  { name: 'a target is wanted', state: { targets: [target] }, expected: ['wanted'] },
  {
    name: 'B33 a registration without a target is unwanted',
    state: { registrations: [registration] },
    expected: ['unwanted'],
  },
  {
    name: 'B33 a target under another name with the same id keeps its webhook',
    state: { targets: [{ ...target, repositorySlug: 'renamed' }], registrations: [registration] },
    expected: ['wanted'],
  },
  {
    name: 'B33 a target of the same name whose id is unknown keeps its webhook, however its key is spelled',
    state: { targets: [{ ...target, projectKey: 'prj', repositoryId: null }], registrations: [registration] },
    expected: ['wanted'],
  },
  {
    name: 'B33 another integration’s target keeps nothing',
    state: { targets: [{ ...target, integrationId: 'other' }], registrations: [registration] },
    expected: ['wanted', 'unwanted'],
  },
  {
    name: 'B33 what Terraform or the server registered is theirs',
    state: {
      registrations: [
        { ...registration, managedBy: 'terraform' },
        { ...registration, managedBy: 'server' },
      ],
    },
    expected: [],
  },
  {
    name: 'S28 an integration of another Bitbucket is skipped',
    state: { targets: [{ ...target, apiHost: 'https://git.example.com' }] },
    expected: ['other_bitbucket'],
  },
  {
    name: 'S28 so are its removals',
    state: {
      registrations: [registration],
      integrations: [{ ...integration, apiHost: 'https://elsewhere.example.com' }],
    },
    expected: ['other_bitbucket'],
  },
  {
    name: 'S28 the same Bitbucket may be spelled differently',
    state: { targets: [{ ...target, apiHost: 'https://GIT.example.com:443/bitbucket' }] },
    expected: ['wanted'],
  },
  {
    name: 'an integration behind a VCS agent pool is skipped',
    state: { targets: [{ ...target, apiHost: 'private://pool' }] },
    expected: ['private_bitbucket'],
  },
  {
    name: 'without a public address there is no webhook endpoint',
    state: { targets: [{ ...target, url: '/webhooks/bitbucket-datacenter/main' }] },
    expected: ['no_public_url'],
  },
] as const)('$name', ({ state, expected }) => {
  expect(kinds(state as unknown as Partial<ServerState>)).toEqual(expected)
})
