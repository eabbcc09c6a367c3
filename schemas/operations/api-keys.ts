import * as z from 'zod'
import { ApiKey, ApiKeyUpdate, CreatedApiKey, NewApiKey, Token, TokenRequest } from '../api-key.ts'
import type { OperationTable } from '../operation.ts'
import { pageOf, pageQuery } from '../page.ts'
import { byRowId } from './parameters.ts'

export const apiKeyOperations = {
  createToken: {
    method: 'POST',
    path: '/api/v1/token',
    summary: 'Exchange an API key for a token of ten minutes',
    permission: 'sign-in',
    body: TokenRequest,
    status: 200,
    response: Token,
    problems: ['invalid_api_key', 'too_many_requests'],
    secretFields: ['token'],
    idempotency: 'refused',
  },
  createApiKey: {
    method: 'POST',
    path: '/api/v1/api-keys',
    summary: 'Create an API key',
    permission: 'api-keys:create',
    body: NewApiKey,
    status: 201,
    response: CreatedApiKey,
    problems: ['space_not_found', 'user_not_found', 'integration_not_found'],
    secretFields: ['secret'],
  },
  listApiKeys: {
    method: 'GET',
    path: '/api/v1/api-keys',
    summary: 'List the API keys',
    permission: 'account',
    query: z.object(pageQuery),
    status: 200,
    response: pageOf(ApiKey),
    problems: [],
  },
  getApiKey: {
    method: 'GET',
    path: '/api/v1/api-keys/{id}',
    summary: 'Read an API key, without its secret',
    permission: 'account',
    params: byRowId,
    status: 200,
    response: ApiKey,
    problems: ['api_key_not_found'],
  },
  updateApiKey: {
    method: 'PATCH',
    path: '/api/v1/api-keys/{id}',
    summary: 'Rename, narrow or end an API key; the tokens made from it end',
    permission: 'account',
    params: byRowId,
    body: ApiKeyUpdate,
    status: 200,
    response: ApiKey,
    problems: ['api_key_not_found', 'integration_not_found'],
  },
  revokeApiKey: {
    method: 'DELETE',
    path: '/api/v1/api-keys/{id}',
    summary: 'Revoke an API key, and the tokens made from it',
    permission: 'account',
    params: byRowId,
    status: 204,
    problems: ['api_key_not_found'],
  },
} as const satisfies OperationTable
