import type { Dynamic, Numeric, Value } from './value.ts'

/**
 * The type of a value, written as Terraform's own JSON notation: `'string'`, `['set', 'string']`,
 * `['object', { name: 'string' }]`.
 */
export type Type =
  | 'string'
  | 'number'
  | 'bool'
  | 'dynamic'
  | readonly ['list' | 'set' | 'map', Type]
  | readonly ['object', ObjectFields]
  | readonly ['tuple', readonly Type[]]

export type ObjectFields = { readonly [name: string]: Type }

/** What a known, non-null value of the type is in resource code. Sets are arrays, whose order means nothing. */
export type ValueOf<T extends Type> = [Type] extends [T] ? NonNullable<Value> : ValueOfKind<T>

type ValueOfKind<T extends Type> = T extends 'string'
  ? string
  : T extends 'number'
    ? Numeric
    : T extends 'bool'
      ? boolean
      : T extends 'dynamic'
        ? Dynamic
        : T extends readonly ['list' | 'set', infer E extends Type]
          ? readonly ValueOf<E>[]
          : T extends readonly ['map', infer E extends Type]
            ? { readonly [key: string]: ValueOf<E> }
            : T extends readonly ['object', infer F extends ObjectFields]
              ? { readonly [K in keyof F]: ValueOf<F[K]> | null }
              : T extends readonly ['tuple', infer I extends readonly Type[]]
                ? { readonly [K in keyof I]: ValueOf<I[K]> | null }
                : never

/** Whether two types are the same, whatever the order of an object's attributes. */
export function equalTypes(a: Type, b: Type): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  if (a[0] === 'object') {
    const [names, other] = [Object.keys(a[1]), b[0] === 'object' ? b[1] : undefined]
    if (!other || names.length !== Object.keys(other).length) return false
    return names.every((name) => {
      const [left, right] = [a[1][name], Object.hasOwn(other, name) ? other[name] : undefined]
      return left !== undefined && right !== undefined && equalTypes(left, right)
    })
  }
  if (a[0] === 'tuple') {
    if (b[0] !== 'tuple' || a[1].length !== b[1].length) return false
    const items = b[1]
    return a[1].every((item, index) => {
      const other = items[index]
      return other !== undefined && equalTypes(item, other)
    })
  }
  return b[0] !== 'object' && b[0] !== 'tuple' && a[0] === b[0] && equalTypes(a[1], b[1])
}
