import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { Problem } from '../../../schemas/problem.ts'
import { anonymous } from '../../../server/core/authorise.ts'
import { noteRefusedSecrets, type RefusedRequest } from '../../../server/http/refused-secrets.ts'
import type { SecretAttempt } from '../../../server/services/secret-attempts.ts'

/** What shows no secret that was there before: a new key's, and the session of whoever asks. */
const withoutOthersSecrets: readonly OperationId[] = ['createApiKey', 'getSession']

function noted(request: Partial<RefusedRequest> & Pick<RefusedRequest, 'operation'>): SecretAttempt[] {
  const attempts: SecretAttempt[] = []
  const listener = noteRefusedSecrets({ note: (attempt) => attempts.push(attempt), flush: async () => undefined })
  const problem = new Problem('forbidden', 'No.')
  listener({ caller: anonymous, problem, params: {}, query: {}, body: {}, ...request })
  return attempts
}

test('S70 a refusal of every operation that shows a secret is noted', () => {
  const table = Object.entries(operations) as [OperationId, Operation][]
  const showing = table.filter(([, { secretFields }]) => secretFields !== undefined).map(([id]) => id)

  const missed = showing.filter((operation) => noted({ operation }).length === 0)

  expect(showing.length).toBeGreaterThan(4)
  expect(missed.sort()).toEqual([...withoutOthersSecrets].sort())
  expect(noted({ operation: 'getMeta' })).toEqual([])
})

test('S70 a wrong form is no attempt, and a failure of the server neither', () => {
  const operation = 'readWebhookCredentials'
  for (const code of ['invalid_request', 'internal_error', 'database_unavailable'] as const) {
    expect(noted({ operation, problem: new Problem(code, 'x') })).toEqual([])
  }
  for (const code of ['unauthenticated', 'forbidden', 'integration_not_found', 'too_many_requests'] as const) {
    expect(noted({ operation, problem: new Problem(code, 'x') })).toMatchObject([{ code }])
  }
})

test('S70 of what was sent only what can be an id is written down', () => {
  const keyId = randomUUID()

  const objects = [
    { operation: 'readWebhookCredentials' as const, params: { id: 'vcs' } },
    { operation: 'readWebhookCredentials' as const, params: { id: 'Secret pasted here' } },
    { operation: 'listWebhookTargets' as const, query: { integrationId: ['a'] } },
    { operation: 'createToken' as const, body: { keyId, keySecret: 'planted' } },
    { operation: 'createToken' as const, body: { keyId: 'mrg-planted', keySecret: 'planted' } },
    { operation: 'createToken' as const, body: 'planted' },
  ].map((request) => noted(request)[0]?.object)

  expect(objects).toEqual([
    'integration:vcs',
    'integration:?',
    'integration:?',
    `api_key:${keyId}`,
    'api_key:?',
    'api_key:?',
  ])
})
