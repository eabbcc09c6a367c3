import { TokenRequest } from '../api-key.ts'
import type { OperationTable } from '../operation.ts'
import { Session } from '../session.ts'

export const sessionOperations = {
  createSession: {
    method: 'POST',
    path: '/api/v1/session',
    summary: 'Sign a browser in with an API key; answers with a cookie',
    permission: 'sign-in',
    body: TokenRequest,
    status: 201,
    response: Session,
    problems: ['invalid_api_key', 'forbidden', 'too_many_requests', 'foreign_origin', 'json_required'],
    secretFields: ['csrfToken'],
    idempotency: 'refused',
  },
  getSession: {
    method: 'GET',
    path: '/api/v1/session',
    summary: 'Read the browser’s session and its CSRF token',
    permission: 'session',
    status: 200,
    response: Session,
    problems: [],
    secretFields: ['csrfToken'],
  },
  deleteSession: {
    method: 'DELETE',
    path: '/api/v1/session',
    summary: 'Sign out: the session ends at once',
    permission: 'session',
    status: 204,
    problems: [],
    idempotency: 'refused',
  },
} as const satisfies OperationTable
