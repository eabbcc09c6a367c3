import { expect, test } from 'vitest'
import * as z from 'zod'
import { operations } from '../../schemas/api.ts'
import type { Operation } from '../../schemas/operation.ts'
import { operationFacts } from '../../schemas/operation-facts.ts'

const table = Object.entries(operations) as [string, Operation][]
const facts = operationFacts(operations)

/** Names that sound like a secret and are none. */
const harmless = new Set(['secretVersion', 'hasAdministrationToken', 'secretShown'])

test('S22 S50 an answer with a field that is called a secret or token says so in its row', () => {
  const unmarked = table.flatMap(([id, { response, secretFields = [] }]) =>
    fieldNames(response)
      .filter((name) => /secret|token|password|privatekey/i.test(name) && !harmless.has(name))
      .filter((name) => !secretFields.includes(name))
      .map((name) => `${id}: ${name}`),
  )

  expect(unmarked).toEqual([])
})

test('S50 what shows a secret has no ETag, and every secret field is one of the answer', () => {
  for (const [id, { response, secretFields }] of table) {
    if (!secretFields) continue
    expect(facts.get(id)?.objectField, id).toBeUndefined()
    for (const field of secretFields) expect(fieldNames(response), id).toContain(field)
  }
})

test('R203 every read of a single object has an ETag, and so has the object in the answer that creates or changes it', () => {
  for (const [id, { method, response, secretFields }] of table) {
    const { objectField, isList } = facts.get(id) ?? {}
    if (method === 'GET' && response && !isList && !secretFields) expect(objectField, id).toBe('')
  }
  expect(facts.get('createSpace')?.objectField).toBe('')
  expect(facts.get('updateSpace')?.objectField).toBe('space')
  expect(facts.get('updateIntegration')?.objectField).toBe('integration')
  expect(facts.get('replaceAttachment')?.objectField).toBe('')
  expect(facts.get('deleteSpace')?.objectField).toBeUndefined()
})

test('R203 If-Match is for what changes one object that can be read at the same address', () => {
  const taking = table.map(([id]) => id).filter((id) => facts.get(id)?.takesIfMatch)

  expect(taking).toEqual(
    expect.arrayContaining([
      'updateSpace',
      'deleteSpace',
      'updateIntegration',
      'deleteIntegration',
      'updateStack',
      'deleteStack',
      'replaceAttachment',
      'detachStack',
    ]),
  )
  expect(taking).not.toContain('reportRegistration')
  expect(taking).not.toContain('createSpace')
})

test('R202 every write takes an Idempotency-Key but those that sign in or only look', () => {
  const refusing = table.map(([id]) => id).filter((id) => facts.get(id)?.isWrite && !facts.get(id)?.takesIdempotencyKey)

  expect(refusing).toEqual(expect.arrayContaining(['createToken']))
  for (const id of refusing) expect(id).toMatch(/Token|Session|^test/)
})

/** The names of all fields, also of those in lists, choices and objects inside. */
function fieldNames(schema: z.ZodType | undefined): string[] {
  if (!schema) return []
  const names = new Set<string>()
  const collect = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return
    if (!Array.isArray(value) && 'properties' in value) {
      for (const name of Object.keys(value.properties as object)) names.add(name)
    }
    for (const part of Object.values(value)) collect(part)
  }
  collect(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }))
  return [...names]
}
