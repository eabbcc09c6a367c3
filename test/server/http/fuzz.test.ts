import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { ProblemDocument } from '../../../schemas/problem.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer } from '../../support/server.ts'

const hostileText = fc.oneof(
  fc.constantFrom('\0', '\ud800', '', ' ', '..', '%00', "'", '"', '\u202e', 'root', 'a', '-1', '1e400', '[]', 'null'),
  fc.constantFrom('a'.repeat(5_000), '0190a0a0-0000-7000-8000-000000000001', 'vcs', 's', '2024-01-01T00:00:00Z'),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const hostileValue = fc.oneof(
  { depthSize: 'small', withCrossShrink: true },
  hostileText,
  fc.constantFrom(0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, true, false, null, [], {}),
  fc.array(hostileText, { maxLength: 3 }),
)
const cursors = [
  'api-keys',
  'registrations',
  'runs',
  'deliveries',
  'webhook-targets',
  'stacks',
  'spaces',
  'integrations',
]
const hostileCursor = fc
  .tuple(fc.constantFrom(...cursors), fc.array(hostileText, { maxLength: 3 }))
  .map((parts) => Buffer.from(JSON.stringify(parts.flat())).toString('base64url').slice(0, 200))

for (const database of databases) {
  describe(database.name, () => {
    test('R204 whatever is sent: a success or a problem of the table, never a 5xx but by name', async () => {
      const { root, request } = await startTestServer(database)
      const body = { name: 'VCS', apiHost: 'https://bitbucket.invalid', accessToken: 'x' }
      await root.call('createIntegration', { body })
      await root.call('createStack', { query: {}, body: { name: 'S', branch: 'main' } })
      const ids = (Object.keys(operations) as OperationId[]).filter((id) => id !== 'createToken')

      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...ids),
          hostileText,
          fc.dictionary(fc.constantFrom('limit', 'ids', 'integrationId', 'stackId', 'state', 'force'), hostileText, {
            maxKeys: 2,
          }),
          fc.option(hostileCursor),
          fc.infiniteStream(hostileValue),
          fc.infiniteStream(fc.nat(3)),
          async (id, pathId, query, cursor, values, choices) => {
            const operation: Operation = operations[id]
            // A lone surrogate cannot be part of an address.
            const inPath = pathId.replace(/\p{Cs}/gu, '')
            const path = operation.path.replace('{id}', encodeURIComponent(inPath.slice(0, 300)))
            const search = new URLSearchParams({ ...query, ...(cursor === null ? {} : { cursor }) })
            const answer = await request(operation.method, `${path}?${search}`.replace(/\?$/, ''), {
              ...(operation.body ? { body: bodyOf(operation, values, choices) } : {}),
            })
            const text = await answer.text()

            if (answer.status >= 400) {
              const problem = ProblemDocument.parse(JSON.parse(text))
              expect(problem.status).toBe(answer.status)
            }
            if (answer.status >= 500) expect(text).toContain('bitbucket_unreachable')
          },
        ),
        { numRuns: 400, endOnFailure: false },
      )
    }, 120_000)
  })
}

/** The operation's fields, most of them right, some not, some absent. */
function bodyOf(operation: Operation, values: fc.Stream<unknown>, choices: fc.Stream<number>): unknown {
  const shape =
    operation.body !== undefined && 'shape' in operation.body ? Object.keys(operation.body.shape as object) : []
  const good: Record<string, unknown> = {
    name: `n${Math.random()}`,
    role: 'webhook-registrar',
    spaceId: 'root',
    apiHost: 'https://bitbucket.invalid',
    accessToken: 'x',
    branch: 'main',
    integrationId: 'vcs',
    projectKey: 'INFRA',
    repositorySlug: 'network',
    repositoryId: 7,
    webhookId: null,
    secretVersion: 1,
    observed: 'in_sync',
    managedBy: 'service',
    repository: null,
  }
  return Object.fromEntries(
    shape.flatMap((field) => {
      const choice = [...choices.take(1)][0] ?? 0
      if (choice === 0) return [[field, [...values.take(1)][0]]]
      return good[field] === undefined ? [] : [[field, good[field]]]
    }),
  )
}
