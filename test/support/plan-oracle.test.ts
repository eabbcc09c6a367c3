import { describe, expect, test } from 'vitest'
import * as s from '../../provider/framework/attributes.ts'
import { unknown, type ValueObject } from '../../provider/framework/value.ts'
import { assertObjectCompatible, assertPlanValid } from './plan-oracle.ts'

const schema = s.schema({
  attributes: {
    id: s.string({ computed: true }),
    name: s.string({ required: true }),
    size: s.int({ optional: true }),
    tags: s.set('string', { optional: true }),
    secret_wo: s.string({ optional: true, writeOnly: true }),
    rules: s.objectList({ port: s.int({ required: true }), rule_id: s.string({ computed: true }) }, { optional: true }),
  },
  blocks: { step: s.listBlock({ attributes: { command: s.string({ required: true }) } }, {}) },
})

const config: ValueObject = {
  id: null,
  name: 'a',
  size: null,
  tags: ['x', 'y'],
  secret_wo: 's',
  rules: [{ port: 1, rule_id: null }],
  step: [],
}
const planned: ValueObject = { ...config, id: unknown, secret_wo: null, rules: [{ port: 1, rule_id: unknown }] }
const actual: ValueObject = { ...planned, id: 'i', rules: [{ port: 1, rule_id: 'r' }] }

describe('R139c the oracle for plans', () => {
  test('R139c accepts what Terraform accepts', () => {
    assertPlanValid(schema, { prior: null, config, planned })
    assertPlanValid(schema, { prior: { ...actual, name: 'A' }, config, planned: { ...planned, name: 'A' } }) // prior spelling
    assertPlanValid(schema, { prior: actual, config: null, planned: null })
  })

  test.each<{ name: string; wrong: ValueObject; words: string }>([
    { name: 'another value than configured', wrong: { ...planned, name: 'b' }, words: '.name' },
    { name: 'a value for what is neither configured nor computed', wrong: { ...planned, size: 1 }, words: '.size' },
    { name: 'a write-only value', wrong: { ...planned, secret_wo: 's' }, words: '.secret_wo' },
    {
      name: 'one element more',
      wrong: { ...planned, rules: [...(planned.rules as []), { port: 2, rule_id: unknown }] },
      words: '.rules',
    },
    { name: 'another element', wrong: { ...planned, rules: [{ port: 2, rule_id: unknown }] }, words: '.rules[0].port' },
    { name: 'null for absent blocks', wrong: { ...planned, step: null }, words: '.step' },
  ])('R139c refuses $name', ({ wrong, words }) => {
    expect(() => assertPlanValid(schema, { prior: null, config, planned: wrong })).toThrow(words)
  })
})

describe('R139c the oracle for states', () => {
  test('R139c accepts what Terraform accepts', () => {
    assertObjectCompatible(schema, planned, actual)
    assertObjectCompatible(schema, planned, { ...actual, tags: ['y', 'x'] })
    assertObjectCompatible(schema, null, null)
  })

  test.each<{ name: string; wrong: ValueObject | null; words: string }>([
    { name: 'another value than planned', wrong: { ...actual, name: 'b' }, words: '.name' },
    { name: 'what is still unknown', wrong: { ...actual, id: unknown }, words: '.id' },
    { name: 'an element that was not planned', wrong: { ...actual, tags: ['x', 'z'] }, words: '.tags' },
    { name: 'one element less', wrong: { ...actual, tags: ['x'] }, words: '.tags' },
    { name: 'a write-only value', wrong: { ...actual, secret_wo: 's' }, words: '.secret_wo' },
    { name: 'an absent object', wrong: null, words: 'absent' },
  ])('R139c refuses $name', ({ wrong, words }) => {
    expect(() => assertObjectCompatible(schema, planned, wrong)).toThrow(words)
  })
})
