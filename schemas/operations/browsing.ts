import * as z from 'zod'
import type { OperationTable } from '../operation.ts'
import { pageOf, pageQuery } from '../page.ts'
import type { ProblemCode } from '../problem.ts'
import {
  BitbucketBranch,
  BitbucketProject,
  BitbucketRepository,
  FolderPath,
  RepositoryPath,
  TreeEntry,
  UsableIntegration,
} from '../repository-browsing.ts'
import { BranchName, ProjectKey } from '../stack.ts'
import { SpaceId } from '../text.ts'
import { bySlug, bySpaceId } from './parameters.ts'

const browsing = {
  spaceId: SpaceId.describe('For which space it is asked: where the stack or module lives, or is to live.'),
  limit: pageQuery.limit,
  cursor: pageQuery.cursor,
}
const search = z.string().min(1).max(200).optional()

const problems = [
  'integration_not_found',
  'space_not_found',
  'integration_not_usable',
  'no_bitbucket_access',
  'bitbucket_refused',
  'bitbucket_unreachable',
  'vcs_agent_unavailable',
] as const satisfies readonly ProblemCode[]

const description =
  'Asked through the integration, page by page as Bitbucket gives them; a page may be shorter than the limit, since what the integration does not lend to the space is left out. Needs a Writer of the space; recorded in the audit log, and limited to 60 requests a minute.'

export const browsingOperations = {
  listBitbucketProjects: {
    method: 'GET',
    path: '/api/v1/integrations/{id}/projects',
    summary: 'List the projects that Bitbucket has',
    description,
    permission: 'write',
    params: bySlug,
    query: z.object({ ...browsing, q: search.describe('How the name begins.') }),
    status: 200,
    response: pageOf(BitbucketProject),
    problems,
  },
  listBitbucketRepositories: {
    method: 'GET',
    path: '/api/v1/integrations/{id}/repositories',
    summary: 'List the repositories that Bitbucket has, personal ones too',
    description,
    permission: 'write',
    params: bySlug,
    query: z.object({
      ...browsing,
      project: ProjectKey.optional().describe('The key of the only project, or ~user.'),
      q: search.describe('How the name begins.'),
    }),
    status: 200,
    response: pageOf(BitbucketRepository),
    problems,
  },
  listBitbucketBranches: {
    method: 'GET',
    path: '/api/v1/integrations/{id}/branches',
    summary: 'List the branches of a repository',
    description,
    permission: 'write',
    params: bySlug,
    query: z.object({
      ...browsing,
      repository: RepositoryPath.describe('PROJECT/slug.'),
      q: search.describe('A part of the name.'),
    }),
    status: 200,
    response: pageOf(BitbucketBranch),
    problems: [...problems, 'repository_not_allowed', 'repository_not_in_bitbucket'],
  },
  listBitbucketTree: {
    method: 'GET',
    path: '/api/v1/integrations/{id}/tree',
    summary: 'List what a folder of a repository holds',
    description,
    permission: 'write',
    params: bySlug,
    query: z.object({
      ...browsing,
      repository: RepositoryPath.describe('PROJECT/slug.'),
      branch: BranchName,
      path: FolderPath.describe('The folder; the root when absent.'),
    }),
    status: 200,
    response: pageOf(TreeEntry),
    problems: [
      ...problems,
      'repository_not_allowed',
      'repository_not_in_bitbucket',
      'branch_not_in_bitbucket',
      'path_not_in_bitbucket',
    ],
  },
  listUsableIntegrations: {
    method: 'GET',
    path: '/api/v1/spaces/{id}/usable-integrations',
    summary: 'Say of each visible integration whether the space may use it, and why',
    permission: 'read',
    params: bySpaceId,
    query: z.object({ limit: pageQuery.limit, cursor: pageQuery.cursor }),
    status: 200,
    response: pageOf(UsableIntegration),
    problems: ['space_not_found'],
  },
} as const satisfies OperationTable
