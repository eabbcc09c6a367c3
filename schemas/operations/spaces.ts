import * as z from 'zod'
import type { OperationTable } from '../operation.ts'
import { labelQuery, pageOf, pageQuery } from '../page.ts'
import { NewSpace, Space, SpaceUpdate } from '../space.ts'
import { bySpaceId, Detached, detaching } from './parameters.ts'

export const spaceOperations = {
  createSpace: {
    method: 'POST',
    path: '/api/v1/spaces',
    summary: 'Create a space; for root admins, or where MOORING_SPACE_ADMINS says so for Admins of the parent',
    permission: 'administer',
    body: NewSpace,
    status: 201,
    response: Space,
    problems: ['name_taken', 'space_not_found'],
  },
  listSpaces: {
    method: 'GET',
    path: '/api/v1/spaces',
    summary: 'List the spaces',
    permission: 'read',
    query: z.object({ ...pageQuery, ...labelQuery }),
    status: 200,
    response: pageOf(Space),
    problems: [],
  },
  getSpace: {
    method: 'GET',
    path: '/api/v1/spaces/{id}',
    summary: 'Read a space',
    permission: 'read',
    params: bySpaceId,
    status: 200,
    response: Space,
    problems: ['space_not_found'],
  },
  updateSpace: {
    method: 'PATCH',
    path: '/api/v1/spaces/{id}',
    summary: 'Change a space, or move it below another parent',
    permission: 'administer',
    params: bySpaceId,
    query: detaching,
    body: SpaceUpdate,
    status: 200,
    response: z.object({ space: Space, ...Detached.shape }),
    problems: ['space_not_found', 'root_space', 'would_detach'],
  },
  deleteSpace: {
    method: 'DELETE',
    path: '/api/v1/spaces/{id}',
    summary: 'Delete an empty space; for those who may create it',
    permission: 'administer',
    params: bySpaceId,
    status: 204,
    problems: ['space_not_found', 'root_space', 'space_not_empty'],
  },
} as const satisfies OperationTable
