import { expect, test } from 'vitest'
import { judge } from './judge.ts'
import { createLedger } from './ledger.ts'

const problem = (code: string, status: number, more: object = {}) => ({
  status,
  headers: { 'content-type': 'application/problem+json; charset=utf-8' },
  text: JSON.stringify({ type: `urn:mooring:problem:${code}`, title: 't', status, code, detail: 'd', ...more }),
})
const space = {
  id: 'root',
  name: 'root',
  parentId: null,
  inheritEntities: false,
  labels: [],
  description: '',
  createdAt: '2026-01-01T00:00:00Z',
}
const answered = (body: unknown, status = 200) => ({ status, headers: {}, text: JSON.stringify(body) })

test.for([
  ['no answer', { status: 0, headers: {}, text: 'no answer within 10000 ms' }],
  ['a server error', problem('internal_error', 500)],
  ['a page of a framework', { status: 404, headers: {}, text: '<pre>Cannot GET</pre>' }],
  ['a code that the operation does not declare', problem('stack_not_found', 404)],
  ['a status that is not the code’s', problem('space_not_found', 403)],
  ['bad input without a word where', problem('invalid_request', 422)],
  ['another media type', { ...problem('space_not_found', 404), headers: { 'content-type': 'application/json' } }],
  ['another status than the operation’s', answered(space, 201)],
  ['a field that is missing', answered({ ...space, labels: undefined })],
  ['a field that nobody has documented', answered({ ...space, internalId: 7 })],
] as const)('R204 the fuzz test finds %s', ([, answer]) => {
  expect(judge('getSpace', answer).wrong).not.toEqual([])
})

test('R204 the fuzz test lets pass what is documented', () => {
  const errors = [{ pointer: '?unknown', detail: 'unknown field' }]

  expect(judge('getSpace', answered(space))).toMatchObject({ isSuccess: true, isValid: true, wrong: [] })
  expect(judge('getSpace', problem('space_not_found', 404))).toMatchObject({ isValid: true, wrong: [] })
  expect(judge('getSpace', problem('database_unavailable', 503)).wrong).toEqual([])
  expect(judge('getSpace', problem('invalid_request', 422, { errors }))).toMatchObject({ isValid: false, wrong: [] })
})

test('R204 the fuzz test counts what the server logs of its own bugs', () => {
  const ledger = createLedger()
  const request = { operation: 'getSpace', caller: 'nobody', method: 'GET', path: '/', headers: {} } as const

  ledger.note(request, answered(space), ['{"msg":"request failed by a bug"}'])

  expect(ledger.findings).toHaveLength(1)
  expect(ledger.unseenCodes()).toContain('space_not_found')
})
