/**
 * Writes control, bidirectional and zero-width characters as `\uXXXX`, so that a name that somebody gave a repository
 * cannot steer a terminal. Line breaks stay. Valid JSON stays valid, and says the same.
 */
export function escapeForTerminal(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === '\n' ? character : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
