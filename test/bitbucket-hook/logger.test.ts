import { expect, test } from 'vitest'
import { createLogger } from '../../bitbucket-hook/logger.ts'
import { escapeForTerminal } from '../../schemas/rules/escape-for-terminal.ts'

test('B13 a secret that gets into a log line by mistake is replaced', () => {
  let output = ''
  const log = createLogger('info', { write: (text: string) => (output += text) })

  log.info({
    webhook: { configuration: { secret: 'planted-1' } },
    token: 'planted-2',
    a: { b: { secret: 'planted-3' } },
  })

  expect(output).toContain('[redacted]')
  expect(output).not.toContain('planted')
})

test('a name cannot steer the terminal, and JSON stays what it was', () => {
  const names = ['\u001b[2J', '\u009b1m', '\u202eevil', '\u200b', '\u{e0041}', 'line\nbreak', 'plain ü']
  const json = JSON.stringify(names)

  expect(escapeForTerminal(names.join(''))).toMatch(/^[\P{C}\n]*$/u)
  expect(JSON.parse(escapeForTerminal(json))).toEqual(names)
})
