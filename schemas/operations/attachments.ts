import type { OperationTable } from '../operation.ts'
import { Attachment, NewAttachment } from '../stack.ts'
import { attachProblems } from './attach-problems.ts'
import { bySlug, saving } from './parameters.ts'

export const attachmentOperations = {
  attachStack: {
    method: 'POST',
    path: '/api/v1/stacks/{id}/attachment',
    summary: 'Attach a stack to a repository',
    permission: 'administer',
    params: bySlug,
    query: saving,
    body: NewAttachment,
    status: 201,
    response: Attachment,
    problems: ['stack_not_found', 'stack_already_attached', ...attachProblems],
  },
  getAttachment: {
    method: 'GET',
    path: '/api/v1/stacks/{id}/attachment',
    summary: 'Read a stack’s attachment',
    permission: 'read',
    params: bySlug,
    status: 200,
    response: Attachment,
    problems: ['stack_not_found', 'attachment_not_found'],
  },
  replaceAttachment: {
    method: 'PUT',
    path: '/api/v1/stacks/{id}/attachment',
    summary: 'Change the integration or the repository of an attachment',
    permission: 'administer',
    params: bySlug,
    query: saving,
    body: NewAttachment,
    status: 200,
    response: Attachment,
    problems: ['stack_not_found', 'attachment_not_found', 'stack_already_attached', ...attachProblems],
  },
  detachStack: {
    method: 'DELETE',
    path: '/api/v1/stacks/{id}/attachment',
    summary: 'Detach a stack from its repository',
    permission: 'administer',
    params: bySlug,
    status: 204,
    problems: ['stack_not_found', 'attachment_not_found'],
  },
} as const satisfies OperationTable
