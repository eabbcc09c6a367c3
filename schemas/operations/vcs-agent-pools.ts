import * as z from 'zod'
import type { OperationTable } from '../operation.ts'
import { labelQuery, pageOf, pageQuery } from '../page.ts'
import { SpaceId } from '../text.ts'
import { NewVcsAgentPool, VcsAgentPool, VcsAgentPoolUpdate } from '../vcs-agent-pool.ts'
import { bySlug } from './parameters.ts'

export const vcsAgentPoolOperations = {
  createVcsAgentPool: {
    method: 'POST',
    path: '/api/v1/vcs-agent-pools',
    summary: 'Create a VCS agent pool',
    permission: 'administer',
    body: NewVcsAgentPool,
    status: 201,
    response: VcsAgentPool,
    problems: ['name_taken', 'space_not_found'],
  },
  listVcsAgentPools: {
    method: 'GET',
    path: '/api/v1/vcs-agent-pools',
    summary: 'List the VCS agent pools',
    permission: 'read',
    query: z.object({ ...pageQuery, ...labelQuery, spaceId: SpaceId.optional() }),
    status: 200,
    response: pageOf(VcsAgentPool),
    problems: [],
  },
  getVcsAgentPool: {
    method: 'GET',
    path: '/api/v1/vcs-agent-pools/{id}',
    summary: 'Read a VCS agent pool',
    permission: 'read',
    params: bySlug,
    status: 200,
    response: VcsAgentPool,
    problems: ['vcs_agent_pool_not_found'],
  },
  updateVcsAgentPool: {
    method: 'PATCH',
    path: '/api/v1/vcs-agent-pools/{id}',
    summary: 'Change a VCS agent pool, or move it to another space',
    permission: 'administer',
    params: bySlug,
    body: VcsAgentPoolUpdate,
    status: 200,
    response: VcsAgentPool,
    problems: ['vcs_agent_pool_not_found', 'space_not_found', 'name_immutable', 'vcs_agent_pool_in_use'],
  },
  deleteVcsAgentPool: {
    method: 'DELETE',
    path: '/api/v1/vcs-agent-pools/{id}',
    summary: 'Delete a VCS agent pool that no integration uses',
    permission: 'administer',
    params: bySlug,
    status: 204,
    problems: ['vcs_agent_pool_not_found', 'vcs_agent_pool_in_use'],
  },
} as const satisfies OperationTable
