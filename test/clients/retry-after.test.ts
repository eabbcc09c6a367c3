import { expect, test } from 'vitest'
import { retryAfterMs } from '../../clients/retry-after.ts'

const now = Date.parse('2026-01-02T03:04:05Z')
const quarterOfAnHour = 15 * 60 * 1000

test.for([
  { header: '0', ms: 0 },
  { header: ' 7 ', ms: 7_000 },
  { header: '900', ms: quarterOfAnHour },
  { header: '901', ms: quarterOfAnHour },
  { header: '99999999999999999999999999', ms: quarterOfAnHour },
  { header: 'Fri, 02 Jan 2026 03:04:35 GMT', ms: 30_000 },
  { header: 'Fri, 02 Jan 2026 03:04:00 GMT', ms: 0 },
  { header: 'Fri, 02 Jan 2099 03:04:00 GMT', ms: quarterOfAnHour },
  { header: '-5', ms: undefined },
  { header: '1.5', ms: undefined },
  { header: '1e3', ms: undefined },
  { header: 'soon', ms: undefined },
  { header: '', ms: undefined },
  { header: undefined, ms: undefined },
])('B24 reads Retry-After $header as $ms ms', ({ header, ms }) => {
  expect(retryAfterMs(header, now)).toBe(ms)
})
