/** A piece of HTML that is whole and safe to be put into another. */
export interface Html {
  readonly html: string
}

type Part = string | number | Html | readonly Part[] | undefined | false

/** Writes HTML; whatever is put in is escaped, unless it is HTML already. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.map((text, index) => text + render(parts[index])).join('') }
}

/** The little Markdown of our own descriptions: paragraphs, and `code`. */
export function prose(text: string): Html[] {
  return text.split(/\n{2,}/).map((paragraph) => html`<p>${inline(paragraph)}</p>`)
}

/** One line with `code` in it. */
export function inline(text: string): Html[] {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))
}

function render(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  if ('html' in part) return part.html
  return part.map(render).join('')
}

const entities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities.get(character) ?? '')
}
