import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type OperationId, operations } from '../../schemas/api.ts'
import type { Operation } from '../../schemas/operation.ts'
import { arbitraryRequest } from './api-requests.ts'

test.for(Object.keys(operations) as OperationId[])(
  'R204 most made-up requests of %s are valid, and some are not',
  (id) => {
    const requests = fc.sample(arbitraryRequest(id, { spaceId: ['root'] }, 25), { numRuns: 200, seed: 1 })

    const valid = requests.filter((request) => isValid(operations[id], request)).length

    expect(valid).toBeGreaterThanOrEqual(120)
    expect(valid).toBeLessThan(200)
  },
)

test('R204 made-up requests are about objects that exist', () => {
  const existing = { spaceId: ['platform'], 'id:/api/v1/stacks/{id}': ['network'] }
  const made = fc.sample(arbitraryRequest('createStack', existing, 25), { numRuns: 100, seed: 1 })
  const changed = fc.sample(arbitraryRequest('updateStack', existing, 25), { numRuns: 100, seed: 1 })

  const spaces = made.map(({ body }) => (body as { spaceId?: string }).spaceId).filter((id) => id !== undefined)
  expect(spaces.filter((id) => id === 'platform').length).toBeGreaterThan(spaces.length * 0.6)
  expect(changed.filter(({ params }) => params.id === 'network').length).toBeGreaterThan(60)
})

function isValid(operation: Operation, request: { params: unknown; query: unknown; body: unknown }): boolean {
  return (
    (operation.params?.safeParse(request.params).success ?? true) &&
    (operation.query?.strict().safeParse(request.query).success ?? Object.keys(request.query as object).length === 0) &&
    (operation.body?.safeParse(request.body).success ?? true)
  )
}
