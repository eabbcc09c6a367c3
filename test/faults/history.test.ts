import { expect, test } from 'vitest'
import { type Call, judge, type Stored } from '../../scripts/faults/history.ts'

const delivery: Call = {
  kind: 'delivery',
  key: 'a',
  digest: 'body',
  sentAt: 0,
  answeredAt: 10,
  status: 202,
  retryAfter: undefined,
  code: undefined,
}
const write: Call = { ...delivery, kind: 'write', key: 'w', status: 201 }
const whole: Stored = {
  deliveries: [{ key: 'a', digest: 'body', state: 'processed' }],
  written: ['w'],
  audited: new Map([['w', 1]]),
  repeats: 0,
}

test('F14 the checker finds nothing wrong where nothing is', () => {
  expect(judge([delivery, write], whole)).toMatchObject({ lost: 0, doubled: 0, unprocessed: 0, wrongAnswers: [] })
})

test.for([
  { name: 'F14 the checker notices a lost delivery', stored: { deliveries: [] }, found: { lost: 1 } },
  {
    name: 'F14 the checker notices a delivery with another body',
    stored: { deliveries: [{ key: 'a', digest: 'other', state: 'processed' }] },
    found: { lost: 1 },
  },
  {
    name: 'F14 the checker notices a delivery that is there twice',
    stored: { deliveries: [...whole.deliveries, ...whole.deliveries] },
    found: { doubled: 1 },
  },
  { name: 'F14 the checker notices a repeat that nobody sent', stored: { repeats: 1 }, found: { doubled: 1 } },
  { name: 'F14 the checker notices a lost write', stored: { written: [] }, found: { lost: 1 } },
  { name: 'F14 the checker notices a write done twice', stored: { written: ['w', 'w'] }, found: { doubled: 1 } },
  {
    name: 'F14 the checker notices a write that was audited twice',
    stored: { audited: new Map([['w', 2]]) },
    found: { doubled: 1 },
  },
  {
    name: 'F14 the checker notices a delivery that nobody processed',
    stored: { deliveries: [{ key: 'a', digest: 'body', state: 'queued' }] },
    found: { unprocessed: 1 },
  },
])('$name', ({ stored, found }) => {
  expect(judge([delivery, write], { ...whole, ...stored })).toMatchObject(found)
})

test('F14 the checker takes a 503 without Retry-After, a 500 and silence for wrong', () => {
  const calls = [
    { ...delivery, status: 503 },
    { ...write, status: 500, code: 'internal_error' },
    { ...delivery, status: 0 },
    { ...write, status: 503, retryAfter: '5', code: 'database_unavailable' },
  ]

  expect(judge(calls, whole).wrongAnswers).toEqual(['delivery 503 ', 'write 500 internal_error', 'delivery 0 '])
})
