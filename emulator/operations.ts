import { inProject, inRepository, type Operation, onInstance } from './operation.ts'
import * as branches from './operations/branches.ts'
import * as commits from './operations/commits.ts'
import * as content from './operations/content.ts'
import * as grants from './operations/grants.ts'
import * as instance from './operations/instance.ts'
import * as invocations from './operations/invocations.ts'
import * as projects from './operations/projects.ts'
import * as repositories from './operations/repositories.ts'
import * as statuses from './operations/statuses.ts'
import * as tokens from './operations/tokens.ts'
import * as users from './operations/users.ts'
import * as webhooks from './operations/webhooks.ts'

const project = '/api/latest/projects/{projectKey}'
const repo = '/api/latest/projects/{projectKey}/repos/{repositorySlug}'
const commit = '/api/latest/projects/{projectKey}/repos/{repositorySlug}/commits/{commitId}'
const projectTokens = '/access-tokens/latest/projects/{projectKey}'
const repoTokens = '/access-tokens/latest/projects/{projectKey}/repos/{repositorySlug}'
const userTokens = '/access-tokens/latest/users/{userSlug}'
/** Repository webhooks are older than project webhooks, which these versions do not have. */
const projectWebhooks = '8.8'

/** Everything that the emulator does of Bitbucket's REST; the router is made of this table and of nothing else. */
export const operations: readonly Operation[] = [
  onInstance(
    'GET',
    '/api/latest/application-properties',
    'ANONYMOUS',
    instance.getApplicationProperties,
    'SPEC getApplicationProperties',
  ),
  onInstance(
    'GET',
    '/api/latest/build/capabilities',
    'AUTHENTICATED',
    instance.getBuildCapabilities,
    'SPEC getCapabilities',
  ),
  {
    method: 'GET',
    path: '/rest/webhooks/latest/capabilities',
    permission: 'ANONYMOUS',
    handle: instance.getWebhookCapabilities,
    source: 'CODE webhook-capabilities-response.json of the Jenkins plugin for Bitbucket Server; not in the OpenAPI',
  },

  onInstance('GET', '/api/latest/users', 'AUTHENTICATED', users.listUsers, 'SPEC getUsers_2'),
  onInstance('GET', '/api/latest/users/{userSlug}', 'AUTHENTICATED', users.getUser, 'SPEC getUser'),
  onInstance('POST', '/api/latest/admin/users', 'ADMIN', users.createUser, 'SPEC createUser'),
  onInstance('DELETE', '/api/latest/admin/users', 'ADMIN', users.deleteUser, 'SPEC deleteUser'),
  onInstance('PUT', '/api/latest/admin/permissions/users', 'ADMIN', grants.grantGlobally, 'SPEC setPermissionForUsers'),
  onInstance(
    'DELETE',
    '/api/latest/admin/permissions/users',
    'ADMIN',
    grants.revokeGlobally,
    'SPEC revokePermissionsForUser',
  ),

  onInstance('GET', userTokens, 'AUTHENTICATED', tokens.listTokens, 'SPEC getAllAccessTokens_2'),
  onInstance('PUT', userTokens, 'AUTHENTICATED', tokens.createToken, 'SPEC createAccessToken_2'),
  onInstance('GET', `${userTokens}/{tokenId}`, 'AUTHENTICATED', tokens.getToken, 'SPEC getById_2'),
  onInstance('POST', `${userTokens}/{tokenId}`, 'AUTHENTICATED', tokens.updateToken, 'SPEC updateAccessToken_2'),
  onInstance('DELETE', `${userTokens}/{tokenId}`, 'AUTHENTICATED', tokens.deleteToken, 'SPEC deleteById_2'),
  inProject('GET', projectTokens, 'PROJECT_ADMIN', tokens.listTokens, 'SPEC getAllAccessTokens'),
  inProject('PUT', projectTokens, 'PROJECT_ADMIN', tokens.createToken, 'SPEC createAccessToken'),
  inProject('GET', `${projectTokens}/{tokenId}`, 'PROJECT_ADMIN', tokens.getToken, 'SPEC getById'),
  inProject('POST', `${projectTokens}/{tokenId}`, 'PROJECT_ADMIN', tokens.updateToken, 'SPEC updateAccessToken'),
  inProject('DELETE', `${projectTokens}/{tokenId}`, 'PROJECT_ADMIN', tokens.deleteToken, 'SPEC deleteById'),
  inRepository('GET', repoTokens, 'REPO_ADMIN', tokens.listTokens, 'SPEC getAllAccessTokens_1'),
  inRepository('PUT', repoTokens, 'REPO_ADMIN', tokens.createToken, 'SPEC createAccessToken_1'),
  inRepository('GET', `${repoTokens}/{tokenId}`, 'REPO_ADMIN', tokens.getToken, 'SPEC getById_1'),
  inRepository('POST', `${repoTokens}/{tokenId}`, 'REPO_ADMIN', tokens.updateToken, 'SPEC updateAccessToken_1'),
  inRepository('DELETE', `${repoTokens}/{tokenId}`, 'REPO_ADMIN', tokens.deleteToken, 'SPEC deleteById_1'),

  onInstance('GET', '/api/latest/projects', 'ANONYMOUS', projects.listProjects, 'SPEC getProjects'),
  onInstance('POST', '/api/latest/projects', 'PROJECT_CREATE', projects.createProject, 'SPEC createProject'),
  inProject('GET', project, 'PROJECT_VIEW', projects.getProject, 'SPEC getProject'),
  inProject('PUT', project, 'PROJECT_ADMIN', projects.updateProject, 'SPEC updateProject'),
  inProject('DELETE', project, 'PROJECT_ADMIN', projects.deleteProject, 'SPEC deleteProject'),
  inProject(
    'GET',
    `${project}/permissions/users`,
    'PROJECT_ADMIN',
    grants.listProjectGrants,
    'SPEC getUsersWithAnyPermission_1',
  ),
  inProject(
    'PUT',
    `${project}/permissions/users`,
    'PROJECT_ADMIN',
    grants.grantOnProject,
    'SPEC setPermissionForUsers_1',
  ),
  inProject(
    'DELETE',
    `${project}/permissions/users`,
    'PROJECT_ADMIN',
    grants.revokeOnProject,
    'SPEC revokePermissionsForUser_1',
  ),

  onInstance('GET', '/api/latest/repos', 'ANONYMOUS', repositories.searchRepositories, 'SPEC getRepositories_1'),
  inProject('GET', `${project}/repos`, 'PROJECT_READ', repositories.listRepositories, 'SPEC getRepositories'),
  inProject('POST', `${project}/repos`, 'PROJECT_ADMIN', repositories.createRepository, 'SPEC createRepository'),
  inRepository('GET', repo, 'REPO_READ', repositories.getRepository, 'SPEC getRepository'),
  inRepository('PUT', repo, 'REPO_ADMIN', repositories.updateRepository, 'SPEC updateRepository; 201 LIVE'),
  inRepository('DELETE', repo, 'REPO_ADMIN', repositories.deleteRepository, 'SPEC deleteRepository; 202 LIVE'),
  inRepository(
    'GET',
    `${repo}/permissions/users`,
    'REPO_ADMIN',
    grants.listRepositoryGrants,
    'SPEC getUsersWithAnyPermission_2',
  ),
  inRepository('PUT', `${repo}/permissions/users`, 'REPO_ADMIN', grants.grantOnRepository, 'SPEC setPermissionForUser'),
  inRepository(
    'DELETE',
    `${repo}/permissions/users`,
    'REPO_ADMIN',
    grants.revokeOnRepository,
    'SPEC revokePermissionsForUser_2',
  ),

  inRepository('GET', `${repo}/webhooks`, 'REPO_ADMIN', webhooks.listWebhooks, 'SPEC findWebhooks_1'),
  inRepository(
    'POST',
    `${repo}/webhooks`,
    'REPO_ADMIN',
    webhooks.createWebhook,
    'SPEC createWebhook_1; 200 and duplicates LIVE',
  ),
  inRepository('GET', `${repo}/webhooks/search`, 'REPO_ADMIN', webhooks.searchWebhooks, 'SPEC searchWebhooks'),
  inRepository(
    'POST',
    `${repo}/webhooks/test`,
    'REPO_ADMIN',
    invocations.testWebhook,
    'SPEC testWebhook_1; 500 without url LIVE',
  ),
  inRepository('GET', `${repo}/webhooks/{webhookId}`, 'REPO_ADMIN', webhooks.getWebhook, 'SPEC getWebhook_1'),
  inRepository(
    'PUT',
    `${repo}/webhooks/{webhookId}`,
    'REPO_ADMIN',
    webhooks.updateWebhook,
    'SPEC updateWebhook_1; replaces LIVE',
  ),
  inRepository('DELETE', `${repo}/webhooks/{webhookId}`, 'REPO_ADMIN', webhooks.deleteWebhook, 'SPEC deleteWebhook_1'),
  inRepository(
    'GET',
    `${repo}/webhooks/{webhookId}/latest`,
    'REPO_ADMIN',
    invocations.getLatestInvocation,
    'SPEC getLatestInvocation_1',
  ),
  inRepository(
    'GET',
    `${repo}/webhooks/{webhookId}/statistics`,
    'REPO_ADMIN',
    invocations.getStatistics,
    'SPEC getStatistics_1; shape CODE',
  ),
  inRepository(
    'GET',
    `${repo}/webhooks/{webhookId}/statistics/summary`,
    'REPO_ADMIN',
    invocations.getStatisticsSummary,
    'SPEC getStatisticsSummary_1',
  ),
  inProject('GET', `${project}/webhooks`, 'PROJECT_ADMIN', webhooks.listWebhooks, 'SPEC findWebhooks', projectWebhooks),
  inProject(
    'POST',
    `${project}/webhooks`,
    'PROJECT_ADMIN',
    webhooks.createWebhook,
    'SPEC createWebhook',
    projectWebhooks,
  ),
  inProject(
    'POST',
    `${project}/webhooks/test`,
    'PROJECT_ADMIN',
    invocations.testWebhook,
    'SPEC testWebhook',
    projectWebhooks,
  ),
  inProject(
    'GET',
    `${project}/webhooks/{webhookId}`,
    'PROJECT_ADMIN',
    webhooks.getWebhook,
    'SPEC getWebhook',
    projectWebhooks,
  ),
  inProject(
    'PUT',
    `${project}/webhooks/{webhookId}`,
    'PROJECT_ADMIN',
    webhooks.updateWebhook,
    'SPEC updateWebhook',
    projectWebhooks,
  ),
  inProject(
    'DELETE',
    `${project}/webhooks/{webhookId}`,
    'PROJECT_ADMIN',
    webhooks.deleteWebhook,
    'SPEC deleteWebhook',
    projectWebhooks,
  ),
  inProject(
    'GET',
    `${project}/webhooks/{webhookId}/latest`,
    'PROJECT_ADMIN',
    invocations.getLatestInvocation,
    'SPEC getLatestInvocation',
    projectWebhooks,
  ),
  inProject(
    'GET',
    `${project}/webhooks/{webhookId}/statistics`,
    'PROJECT_ADMIN',
    invocations.getStatistics,
    'SPEC getStatistics',
    projectWebhooks,
  ),
  inProject(
    'GET',
    `${project}/webhooks/{webhookId}/statistics/summary`,
    'PROJECT_ADMIN',
    invocations.getStatisticsSummary,
    'SPEC getStatisticsSummary',
    projectWebhooks,
  ),

  inRepository('GET', `${repo}/branches`, 'REPO_READ', branches.listBranches, 'SPEC getBranches'),
  inRepository('POST', `${repo}/branches`, 'REPO_WRITE', branches.createBranch, 'SPEC createBranchForRepository'),
  inRepository('GET', `${repo}/tags`, 'REPO_READ', branches.listTags, 'SPEC getTags'),
  inRepository('GET', `${repo}/default-branch`, 'REPO_READ', branches.getDefaultBranch, 'SPEC getDefaultBranch_2'),
  inRepository('PUT', `${repo}/default-branch`, 'REPO_ADMIN', branches.setDefaultBranch, 'SPEC setDefaultBranch_2'),
  inRepository(
    'GET',
    `${repo}/branches/default`,
    'REPO_READ',
    branches.getExistingDefaultBranch,
    'SPEC getDefaultBranch_1',
  ),
  inRepository('PUT', `${repo}/branches/default`, 'REPO_ADMIN', branches.setDefaultBranch, 'SPEC setDefaultBranch_1'),

  inRepository('GET', `${repo}/commits`, 'REPO_READ', commits.listCommits, 'SPEC getCommits'),
  inRepository('GET', commit, 'REPO_READ', commits.getCommit, 'SPEC getCommit'),
  inRepository('GET', `${commit}/changes`, 'REPO_READ', commits.listCommitChanges, 'SPEC getChanges'),
  inRepository('GET', `${repo}/compare/changes`, 'REPO_READ', commits.listComparedChanges, 'SPEC streamChanges'),
  inRepository('GET', `${repo}/compare/commits`, 'REPO_READ', commits.compareCommits, 'SPEC streamCommits'),

  inRepository('GET', `${repo}/raw/{path}`, 'REPO_READ', content.getRawFile, 'SPEC streamRaw'),
  {
    method: 'GET',
    path: '/projects/{projectKey}/repos/{repositorySlug}/raw/{path}',
    permission: 'REPO_READ',
    handle: content.getRawFile,
    source: "CODE the web interface's address of a file, which spacelift-io/vcs-agent allows; not in the OpenAPI",
  },
  inRepository('GET', `${repo}/browse`, 'REPO_READ', content.browse, 'SPEC getContent'),
  inRepository('GET', `${repo}/browse/{path}`, 'REPO_READ', content.browse, 'SPEC getContent_1'),
  inRepository('GET', `${repo}/files`, 'REPO_READ', content.listFiles, 'SPEC streamFiles'),
  inRepository('GET', `${repo}/files/{path}`, 'REPO_READ', content.listFiles, 'SPEC streamFiles_1'),
  inRepository('GET', `${repo}/archive`, 'REPO_READ', content.getArchive, 'SPEC getArchive'),

  inRepository('POST', `${commit}/builds`, 'REPO_READ', statuses.postBuildStatus, 'SPEC add', '7.14'),
  inRepository('GET', `${commit}/builds`, 'REPO_READ', statuses.getBuildStatus, 'SPEC get', '7.14'),
  inRepository('DELETE', `${commit}/builds`, 'REPO_ADMIN', statuses.deleteBuildStatus, 'SPEC delete', '7.14'),
  onInstance(
    'POST',
    '/build-status/latest/commits/{commitId}',
    'LICENSED_USER',
    statuses.postOlderBuildStatus,
    'SPEC addBuildStatus',
  ),
  onInstance(
    'GET',
    '/build-status/latest/commits/{commitId}',
    'LICENSED_USER',
    statuses.listOlderBuildStatuses,
    'SPEC getBuildStatus',
  ),
]
