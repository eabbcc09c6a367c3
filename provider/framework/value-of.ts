import type { ObjectFields, Type } from './type.ts'
import type { Dynamic, Numeric, Value } from './value.ts'

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
