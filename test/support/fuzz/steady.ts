import type { OperationId } from '../../../schemas/api.ts'
import type { ArbitraryRequest } from '../api-requests.ts'
import type { FuzzWorld } from './world.ts'

/** Leaves these fields out. */
type Without = readonly string[]

/**
 * Turns a request that its schema allows into one that most likely succeeds: what a schema cannot say (a name cannot
 * change, a token goes with its host, a repository exists) is said here.
 */
export function steady(id: OperationId, request: ArbitraryRequest, world: FuzzWorld): ArbitraryRequest {
  const { random, emulator, bitbucketToken, callers } = world
  const repository = { integrationId: null, projectKey: 'INFRA', repositorySlug: random() < 0.5 ? 'network' : 'dns' }
  const key = callers.keyOf(['root admin', 'root person', 'admin', 'reader'][Math.floor(random() * 4)] ?? '')
  const there = { apiHost: emulator.url, accessToken: bitbucketToken, caCertPem: null }
  switch (id) {
    case 'createToken':
    case 'createSession':
      return { ...request, body: { ...key } }
    case 'createIntegration':
      return change(request, { ...there, isDefault: false, repositoryAccess: null })
    case 'testConnection':
      return change(request, there, ['repository'])
    case 'testIntegration':
      return change(request, {}, ['repository'])
    case 'updateIntegration':
      return change(request, {}, ['name', 'isDefault', 'apiHost', 'caCertPem', 'spaceId', 'userFacingHost'], {
        force: 'true',
      })
    case 'updateVcsAgentPool':
      return change(request, {}, ['name'])
    case 'updateSpace':
      return change(request, {}, ['parentId'], { force: 'true' })
    case 'updateApiKey':
      return change(request, {}, ['integrationIds', 'expiresAt'])
    case 'createStack':
    case 'createModule':
      return change(request, { branch: 'main', ...(random() < 0.5 ? { repository } : {}) }, ['repository'])
    case 'updateStack':
    case 'updateModule': {
      const place = random() < 0.5 ? { branch: 'main', repository } : {}
      return change(request, place, ['repository', 'branch', 'spaceId'])
    }
    case 'attachStack':
    case 'attachModule':
    case 'replaceAttachment':
    case 'replaceModuleAttachment':
      return { ...request, body: repository }
    case 'listRuns':
      return {
        ...request,
        query: Object.fromEntries(Object.entries(request.query).filter(([name]) => name !== 'moduleId')),
      }
    case 'createUser':
    case 'updateUser':
      return change(request, {}, ['bitbucketIdentities'])
    case 'listBitbucketProjects':
    case 'listBitbucketRepositories':
    case 'listBitbucketBranches':
    case 'listBitbucketTree': {
      const query = Object.fromEntries(
        Object.entries(request.query).filter(([name]) => !['q', 'cursor'].includes(name)),
      )
      const place = { spaceId: 'root', ...('branch' in query ? { branch: 'main' } : {}) }
      return { params: { id: 'pillar-default' }, query: { ...query, ...place }, body: undefined }
    }
    default:
      return request
  }
}

function change(
  request: ArbitraryRequest,
  fields: object,
  without: Without = [],
  query: Readonly<Record<string, string>> = {},
): ArbitraryRequest {
  const body = Object.fromEntries(Object.entries(request.body as object).filter(([name]) => !without.includes(name)))
  return { ...request, body: { ...body, ...fields }, query: { ...request.query, ...query } }
}
