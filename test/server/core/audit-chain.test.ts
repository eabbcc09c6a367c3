import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditMac, type ChainedRow, createAuditKey, firstMac } from '../../../server/core/audit-chain.ts'

const key = createAuditKey(Buffer.alloc(32, 1))
const row: ChainedRow = {
  sequence: 7,
  id: '019a0000-0000-7000-8000-000000000000',
  at: 1_700_000_000_000,
  actor: 'key:a',
  action: 'space.create',
  object: 'space:x',
  details: '{}',
  once_key: null,
}

describe('the seal of an audit row', () => {
  test('is the same for the same row', () => {
    expect(auditMac(key, firstMac, { ...row })).toBe(auditMac(key, firstMac, row))
    expect(auditMac(key, firstMac, row)).toMatch(/^[0-9a-f]{64}$/)
  })

  test.for(Object.keys(row) as (keyof ChainedRow)[])('S71 covers %s', (field) => {
    const changed = typeof row[field] === 'number' ? row[field] + 1 : `${row[field]}x`

    expect(auditMac(key, firstMac, { ...row, [field]: changed })).not.toBe(auditMac(key, firstMac, row))
  })

  test('S71 covers the row before, and needs the key', () => {
    expect(auditMac(key, 'f'.repeat(64), row)).not.toBe(auditMac(key, firstMac, row))
    expect(auditMac(createAuditKey(randomBytes(32)), firstMac, row)).not.toBe(auditMac(key, firstMac, row))
  })

  test('S71 no text that moves from one field into the next gives the same seal', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), fc.string(), (actor, moved, action) => {
        const before = auditMac(key, firstMac, { ...row, actor: actor + moved, action })
        const after = auditMac(key, firstMac, { ...row, actor, action: moved + action })
        expect(before).not.toBe(after)
      }),
    )
  })

  test('names its key without telling it', () => {
    expect(key.id).toMatch(/^[0-9a-f]{16}$/)
    expect(key.key.export().toString('hex')).not.toContain(key.id)
  })
})
