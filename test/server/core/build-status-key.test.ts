import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { buildStatusKey } from '../../../server/core/build-status-key.ts'

test('R91 the key names the stack and the type', () => {
  expect(buildStatusKey('network-prod', 'TRACKED')).toBe('mooring/network-prod/tracked')
  expect(buildStatusKey('network-prod', 'MODULE', 'module')).toBe('mooring/module/network-prod/module')
  expect(buildStatusKey('network-prod', 'PROPOSED')).toBe('mooring/network-prod/proposed')
})

test('R91 a key of 255 characters stays, a longer one ends in its hash', () => {
  const fits = 's'.repeat(255 - 'mooring//tracked'.length)
  const long = `${fits}s`
  const whole = `mooring/${long}/tracked`

  expect(buildStatusKey(fits, 'TRACKED')).toBe(`mooring/${fits}/tracked`)
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 16)
  expect(buildStatusKey(long, 'TRACKED')).toBe(`${whole.slice(0, 200)}-${hash}`)
})
