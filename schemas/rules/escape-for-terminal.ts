/**
 * For text that comes from outside and goes to a terminal or a log (S47): JSON itself escapes C0 alone. Writes control, bidirectional and zero-width characters as `\uXXXX`, so that a name that somebody gave a repository
 * cannot steer a terminal. Line breaks stay. Valid JSON stays valid, and says the same.
 */
export function escapeForTerminal(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === '\n' ? character : escaped(character),
  )
}

/** JSON knows escapes of UTF-16 units alone. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}
