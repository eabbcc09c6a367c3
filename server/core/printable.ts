/**
 * Text from outside as people may be shown it, and as both databases can store it: control characters, lone surrogates
 * and what turns the direction of writing are replaced, and what is too long is cut.
 */
export function printable(text: string, longest: number): string {
  const shown = text
    .slice(0, longest)
    .replace(/[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu, '\ufffd')
  return text.length > longest ? `${shown}…` : shown
}
