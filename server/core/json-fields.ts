/** A field that is missing or of another shape; `pointer` is its place (RFC 6901). */
export class FieldError extends Error {
  readonly pointer: string
  constructor(pointer: string, message: string) {
    super(message)
    this.name = 'FieldError'
    this.pointer = pointer
  }
}

export type JsonObject = Readonly<Record<string, unknown>>

/** A check of a text, with the words for what it wants. */
export interface TextRule {
  readonly expected: string
  readonly test: (text: string) => boolean
}

export function readObject(value: unknown, pointer: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FieldError(pointer, 'expected an object')
  }
  // The copy has no prototype: a name such as "constructor" is there only if the body has it.
  return Object.assign(Object.create(null), value)
}

export function readArray(value: unknown, pointer: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new FieldError(pointer, 'expected an array')
  if (value.length > most) throw new FieldError(pointer, `expected at most ${most} entries`)
  return value
}

export function readInteger(value: unknown, pointer: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new FieldError(pointer, 'expected an integer that is not negative')
  }
  return value
}

export function readText(value: unknown, pointer: string, rule: TextRule): string {
  if (typeof value !== 'string' || !rule.test(value)) throw new FieldError(pointer, `expected ${rule.expected}`)
  return value
}
