import { printable } from '../core/printable.ts'

const longest = 500

/**
 * What is kept of a failed job's error: its message alone, without what could be a credential that somebody else's
 * message quotes, since it is stored and shown (S46).
 */
export function jobErrorText(error: unknown): string {
  const message = error instanceof Error && error.message !== '' ? error.message : 'failed without a message'
  const safe = message
    .slice(0, 4 * longest)
    .replace(/\/\/[^\s/@]{1,500}@/g, '//[hidden]@')
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 [hidden]')
    .replace(/\b(\w{0,40}(?:token|secret|password|api_?key))(["']?\s*[=:]\s*["']?)[^\s"'&,;]+/gi, '$1$2[hidden]')
  return printable(safe, longest)
}
