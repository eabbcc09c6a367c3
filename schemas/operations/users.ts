import * as z from 'zod'
import type { OperationTable } from '../operation.ts'
import { pageOf, pageQuery } from '../page.ts'
import { Me, NewUser, User, UserUpdate } from '../user.ts'
import { byRowId } from './parameters.ts'

export const userOperations = {
  getMe: {
    method: 'GET',
    path: '/api/v1/me',
    summary: 'Who asks: the user or service of the key, its roles and surfaces',
    permission: 'self',
    status: 200,
    response: Me,
    problems: [],
  },
  createUser: {
    method: 'POST',
    path: '/api/v1/users',
    summary: 'Create a user; for root admins',
    permission: 'administer',
    body: NewUser,
    status: 201,
    response: User,
    problems: ['space_not_found', 'integration_not_found', 'identity_taken'],
  },
  listUsers: {
    method: 'GET',
    path: '/api/v1/users',
    summary: 'List the users; whoever is no root admin sees himself',
    permission: 'account',
    query: z.object(pageQuery),
    status: 200,
    response: pageOf(User),
    problems: [],
  },
  getUser: {
    method: 'GET',
    path: '/api/v1/users/{id}',
    summary: 'Read a user',
    permission: 'account',
    params: byRowId,
    status: 200,
    response: User,
    problems: ['user_not_found'],
  },
  updateUser: {
    method: 'PATCH',
    path: '/api/v1/users/{id}',
    summary: 'Change a user, his roles or his Bitbucket identities; for root admins',
    permission: 'administer',
    params: byRowId,
    body: UserUpdate,
    status: 200,
    response: User,
    problems: ['user_not_found', 'space_not_found', 'integration_not_found', 'identity_taken'],
  },
  deleteUser: {
    method: 'DELETE',
    path: '/api/v1/users/{id}',
    summary: 'Delete a user, and end his keys and sessions; for root admins',
    permission: 'administer',
    params: byRowId,
    status: 204,
    problems: ['user_not_found'],
  },
} as const satisfies OperationTable
