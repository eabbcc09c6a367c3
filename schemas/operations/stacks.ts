import * as z from 'zod'
import type { OperationTable } from '../operation.ts'
import { labelQuery, pageOf, pageQuery } from '../page.ts'
import { NewStack, Stack, StackUpdate } from '../stack.ts'
import { Slug, SpaceId } from '../text.ts'
import { attachProblems } from './attach-problems.ts'
import { bySlug, saving } from './parameters.ts'

export const stackOperations = {
  createStack: {
    method: 'POST',
    path: '/api/v1/stacks',
    summary: 'Create a stack',
    permission: 'administer',
    query: saving,
    body: NewStack,
    status: 201,
    response: Stack,
    problems: ['name_taken', 'space_not_found', ...attachProblems],
  },
  listStacks: {
    method: 'GET',
    path: '/api/v1/stacks',
    summary: 'List the stacks',
    permission: 'read',
    query: z.object({
      ...pageQuery,
      ...labelQuery,
      spaceId: SpaceId.optional(),
      integrationId: Slug.optional(),
      detached: z.enum(['true', 'false']).optional(),
    }),
    status: 200,
    response: pageOf(Stack),
    problems: [],
  },
  getStack: {
    method: 'GET',
    path: '/api/v1/stacks/{id}',
    summary: 'Read a stack',
    permission: 'read',
    params: bySlug,
    status: 200,
    response: Stack,
    problems: ['stack_not_found'],
  },
  updateStack: {
    method: 'PATCH',
    path: '/api/v1/stacks/{id}',
    summary: 'Change a stack or its repository, or move it to another space',
    permission: 'administer',
    params: bySlug,
    query: saving,
    body: StackUpdate,
    status: 200,
    response: Stack,
    problems: ['stack_not_found', 'space_not_found', 'stack_already_attached', ...attachProblems],
  },
  deleteStack: {
    method: 'DELETE',
    path: '/api/v1/stacks/{id}',
    summary: 'Delete a stack and its runs',
    permission: 'administer',
    params: bySlug,
    status: 204,
    problems: ['stack_not_found'],
  },
} as const satisfies OperationTable
