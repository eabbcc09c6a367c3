import { expect, test } from 'vitest'
import { printable } from '../../../server/core/printable.ts'

test('S47 what a terminal or a database would take amiss is replaced, and long text is cut', () => {
  expect(printable('feature/süd 100 %', 100)).toBe('feature/süd 100 %')
  expect(printable('a\u0000b\u001b[31mc\u202ed\ud800e', 100)).toBe('a\ufffdb\ufffd[31mc\ufffdd\ufffde')
  expect(printable('abcdef', 3)).toBe('abc…')
  expect(printable('ab\u{1f600}', 3)).toBe('ab\ufffd…')
})
