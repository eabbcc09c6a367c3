/** JSON that could be read in two ways, or not at all; `pointer` is the place (RFC 6901). */
export class StrictJsonError extends Error {
  readonly pointer: string
  constructor(message: string, pointer: string) {
    super(message)
    this.name = 'StrictJsonError'
    this.pointer = pointer
  }
}

export interface StrictJsonLimits {
  /** Objects and arrays inside one another. */
  readonly depth: number
}

/**
 * Parses UTF-8 JSON in which every name occurs once in its object. `JSON.parse` lets the last of two equal names
 * win, other readers the first, so that a body which has both says different things to different readers (S1).
 * Nesting beyond the limit is refused before anything is built.
 *
 * @throws StrictJsonError
 */
export function parseStrictJson(bytes: Uint8Array, limits: StrictJsonLimits): unknown {
  const text = decode(bytes)
  refuseDeepNesting(text, limits.depth)
  const value = parse(text)
  // What JSON.parse accepts is well formed, so the search for doubled names need not check the syntax again.
  refuseDoubledNames(text)
  return value
}

/** Adds one step to a JSON pointer. */
export function pointerTo(pointer: string, step: string | number): string {
  return `${pointer}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new StrictJsonError('not UTF-8', '')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new StrictJsonError('not JSON', '') // the engine's message quotes the body
  }
}

function refuseDeepNesting(text: string, limit: number): void {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth > limit) throw new StrictJsonError(`nested deeper than ${limit}`, '')
  }
}

interface Open {
  /** Undefined for an array. */
  readonly names: Set<string> | undefined
  step: string | number
}

function refuseDoubledNames(text: string): void {
  const open: Open[] = []
  let nameExpected = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    const current = open.at(-1)
    if (character === '"') {
      const end = endOfString(text, at)
      if (nameExpected && current?.names) enterName(open, current.names, readString(text, at, end))
      nameExpected = false
      at = end
    } else if (character === '{') {
      open.push({ names: new Set(), step: '' })
      nameExpected = true
    } else if (character === '[') {
      open.push({ names: undefined, step: 0 })
      nameExpected = false
    } else if (character === '}' || character === ']') {
      open.pop()
      nameExpected = false
    } else if (character === ',' && current) {
      if (typeof current.step === 'number') current.step++
      nameExpected = current.names !== undefined
    }
  }
}

function enterName(open: readonly Open[], names: Set<string>, name: string): void {
  const current = open.at(-1)
  if (current) current.step = name
  if (names.has(name)) {
    const pointer = open.reduce((path, { step }) => pointerTo(path, step), '')
    throw new StrictJsonError('the name occurs twice in its object', pointer)
  }
  names.add(name)
}

/** The closing quote's index; the text's length where there is none, which JSON.parse then refuses. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]
    if (character === '\\') at++
    else if (character === '"') return at
  }
  return text.length
}

/** `\u0065ventKey` is `eventKey` too. */
function readString(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end)
  return raw.includes('\\') ? String(JSON.parse(text.slice(start, end + 1))) : raw
}
