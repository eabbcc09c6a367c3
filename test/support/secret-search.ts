import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Where a secret was found, and in which form; never the secret itself. */
export interface Finding {
  readonly secret: string
  readonly sink: string
  readonly form: string
}

type Sinks = Readonly<Record<string, string | Uint8Array>>

/**
 * Searches every sink for every secret: raw, base64 and base64url (at each of the three alignments that it can have
 * inside a longer text), URL-encoded, JSON-escaped, once and twice, and hex. Both are named by their keys.
 */
export function findSecrets(secrets: Readonly<Record<string, string>>, sinks: Sinks): Finding[] {
  return Object.entries(sinks).flatMap(([sink, content]) => {
    const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content)
    const lower = Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1')
    return Object.entries(secrets).flatMap(([secret, text]) =>
      formsOf(text)
        .filter(({ form, needle }) => (form === 'hex' ? lower : bytes).includes(needle))
        .map(({ form }) => ({ secret, sink, form })),
    )
  })
}

/** The content of every file below a folder, by its path there. */
export function readFolder(folder: string): Record<string, Uint8Array> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
  return Object.fromEntries(
    files.map((item) => {
      const path = join(item.parentPath, item.name)
      return [relative(folder, path), readFileSync(path)]
    }),
  )
}

function formsOf(secret: string): { form: string; needle: Buffer }[] {
  if (secret.length < 12) throw new Error('A secret this short is found by chance.')
  const bytes = Buffer.from(secret)
  const escaped = JSON.stringify(secret).slice(1, -1)
  // Go, and so Terraform, escapes these too.
  const inGo = escaped.replaceAll('&', '\\u0026').replaceAll('<', '\\u003c').replaceAll('>', '\\u003e')
  const percent = encodeURIComponent(secret)
  const forms = [
    { form: 'raw', texts: [secret] },
    { form: 'URL-encoded', texts: [percent, percent.replaceAll('%20', '+'), percent.toLowerCase()] },
    { form: 'JSON-escaped', texts: [escaped, inGo].flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]) },
    {
      form: 'HTML-escaped',
      texts: [secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')],
    },
    { form: 'hex', texts: [bytes.toString('hex')] },
    { form: 'base64', texts: base64Forms(bytes, 'base64') },
    { form: 'base64url', texts: base64Forms(bytes, 'base64url') },
  ]
  return forms.flatMap(({ form, texts }) => [...new Set(texts)].map((text) => ({ form, needle: Buffer.from(text) })))
}

/** What of a secret's base64 is the same whatever stands before and after it: characters that hold only its own bits. */
function base64Forms(bytes: Buffer, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replace(/=+$/, '')
    const first = Math.ceil((before * 8) / 6)
    const last = Math.floor(((before + bytes.length) * 8) / 6)
    return whole.slice(first, last)
  })
}
