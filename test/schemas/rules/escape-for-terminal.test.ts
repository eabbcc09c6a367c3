import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLogger as createHookLogger } from '../../../bitbucket-hook/logger.ts'
import { escapeForTerminal } from '../../../schemas/rules/escape-for-terminal.ts'
import { createLogger as createServerLogger } from '../../../server/core/logger.ts'

/** Names that somebody can give a branch, and what each does to a terminal or to whoever reads it. */
const hostile = [
  { does: 'writes the clipboard', name: '\u001b]52;c;aGFjaw==\u0007', shows: '\\u001b]52;c;aGFjaw==\\u0007' },
  { does: 'colours what follows, in one C1 character', name: '\u009b31mred', shows: '\\u009b31mred' },
  { does: 'starts a C1 operating system command', name: '\u009d0;title\u009c', shows: '\\u009d0;title\\u009c' },
  { does: 'turns the direction of writing', name: 'main\u202egnp.sh', shows: 'main\\u202egnp.sh' },
  { does: 'isolates a direction', name: '\u2066a\u2069', shows: '\\u2066a\\u2069' },
  { does: 'looks like another name', name: 'ma\u200bin\u2060\ufeff', shows: 'ma\\u200bin\\u2060\\ufeff' },
  { does: 'overwrites the line', name: 'a\rb\bc\u007f', shows: 'a\\u000db\\u0008c\\u007f' },
  { does: 'breaks the line where JSON does not', name: 'a\u0085b\u2028c\u2029d', shows: 'a\\u0085b\\u2028c\\u2029d' },
  { does: 'hides tags outside the first plane', name: 'a\u{e0041}\u{e007f}', shows: 'a\\udb40\\udc41\\udb40\\udc7f' },
]
const steering = /[\p{Cc}\p{Cf}\u2028\u2029]/u

const loggers = [
  { of: 'the server', createLogger: createServerLogger },
  { of: 'bitbucket-hook', createLogger: createHookLogger },
]

describe('text from outside in a terminal', () => {
  test.for(hostile)('S47 a name that $does is shown as what it is', ({ name, shows }) => {
    expect(escapeForTerminal(name)).toBe(shows)
    expect(escapeForTerminal('feature/größe-日本-🚀')).toBe('feature/größe-日本-🚀')
  })

  for (const { of, createLogger } of loggers) {
    test.for(hostile)(`S47 the log of ${of} is inert with a name that $does, and says the same`, ({ name }) => {
      let text = ''
      const log = createLogger('info', { write: (chunk: string) => (text += chunk) })

      log.info({ branch: name, nested: { [name]: [name] }, err: new Error(name) }, `message ${name}`)

      expect(text.endsWith('\n')).toBe(true)
      expect(text.trimEnd()).not.toMatch(steering)
      expect(JSON.parse(text)).toMatchObject({ branch: name, nested: { [name]: [name] }, msg: `message ${name}` })
    })
  }

  test('S47 JSON of any text stays JSON, says the same, and steers nothing', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), fc.string({ unit: 'binary' }), (json, text) => {
        const line = JSON.stringify({ json, text })
        const escaped = escapeForTerminal(line)
        expect(JSON.parse(escaped)).toEqual(JSON.parse(line))
        expect(escaped).not.toMatch(steering)
      }),
    )
  })
})
