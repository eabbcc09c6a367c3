import { expect, test } from 'vitest'
import { createLogger } from '../../../server/core/logger.ts'

function logged(write: (log: ReturnType<typeof createLogger>) => void): {
  text: string
  line: Record<string, unknown>
} {
  let text = ''
  write(createLogger('info', { write: (chunk: string) => (text += chunk) }))
  return { text, line: JSON.parse(text) }
}

test('S46 secrets are redacted by path, up to two objects deep', () => {
  const { text } = logged((log) =>
    log.info({ accessToken: 'one!', body: { secret: 'two!', inner: { password: 'three!' } } }, 'a message'),
  )

  expect(text).not.toMatch(/one!|two!|three!/)
  expect(text).toContain('[redacted]')
})

test('S46 of an error only the listed fields are logged, and its causes likewise', () => {
  const cause = Object.assign(new Error('inner'), { code: 'E_INNER', headers: { authorization: 'Bearer planted' } })
  const error = Object.assign(new Error('outer', { cause }), { detail: 'Key (token)=(planted) exists' })

  const { text, line } = logged((log) => log.error({ err: error }, 'a message'))

  expect(text).not.toContain('planted')
  expect(line.err).toMatchObject({ message: 'outer', cause: { message: 'inner', code: 'E_INNER' } })
})

test('S47 control, bidirectional and zero-width characters are escaped, and the line still says what was said', () => {
  const hostile = 'a\u001b]52;\u009b31m\u202eb\u200bc\u007f\u2028'

  const { text, line } = logged((log) => log.info({ branch: hostile }, 'a message'))

  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(text.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e]/)
  expect(line.branch).toBe(hostile)
})
