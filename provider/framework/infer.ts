import type { Attribute, Attributes, Block, Blocks, NestedBlock, Nesting, Schema } from './schema.ts'
import type { Type } from './type.ts'
import type { Dynamic, Unknown, ValueObject } from './value.ts'
import type { ValueOf } from './value-of.ts'

/** The state of a resource: everything is known. Nullable where the schema says so, write-only attributes always null. */
export type StateOf<S extends Schema> = View<S, 'state'>

/** What apply is asked for: computed attributes may be unknown, everything else is known. */
export type PlanOf<S extends Schema> = View<S, 'plan'>

/** The configuration when all of it is known: computed attributes are null, write-only ones are here alone. */
export type ConfigOf<S extends Schema> = View<S, 'config'>

/** The same during validate and plan, where any value, however deep, can still be unknown. */
export type Unresolved<T> = T extends Dynamic | Unknown | null | string | number | bigint | boolean
  ? T | Unknown
  : T extends readonly (infer E)[]
    ? readonly Unresolved<E>[] | Unknown
    : UnresolvedFields<T> | Unknown
export type UnresolvedFields<T> = ValueObject extends T ? ValueObject : { readonly [K in keyof T]: Unresolved<T[K]> }

type Mode = 'state' | 'plan' | 'config'
/** Of a schema that is not known in detail, any object will do: that is how the framework itself sees resources. */
type View<S extends Block, M extends Mode> = string extends keyof S['attributes']
  ? ValueObject
  : BlockView<S['attributes'], BlocksOf<S>, M>
type BlocksOf<S extends Block> = S['blocks'] extends Blocks ? S['blocks'] : Record<never, never>

export type BlockView<A extends Attributes, B extends Blocks, M extends Mode> = Flat<
  { readonly [K in keyof A]: AttributeView<A[K], M> } & { readonly [K in keyof B]: NestedBlockView<B[K], M> }
>
type Flat<T> = { readonly [K in keyof T]: T[K] }

/** What a nested attribute's default, validators and equality see. */
export type NestedView<N extends Nesting, A extends Attributes> = Nest<N, BlockView<A, Record<never, never>, 'state'>>

type Nest<N extends Nesting, T> = N extends 'single'
  ? T
  : N extends 'map'
    ? { readonly [key: string]: T }
    : readonly T[]

type NestedBlockView<B extends NestedBlock, M extends Mode> = B['nesting'] extends 'single'
  ? View<B['block'], M> | null
  : readonly View<B['block'], M>[]

type AttributeView<A extends Attribute, M extends Mode> = Known<A, M> | Absent<A['marks'], M>

type Known<A extends Attribute, M extends Mode> =
  IsWriteOnly<A['marks'], M> extends true
    ? never
    : M extends 'config'
      ? IsComputedOnly<A['marks']> extends true
        ? never
        : BaseView<A, M>
      : BaseView<A, M>

type BaseView<A extends Attribute, M extends Mode> = A extends {
  nested: { nesting: infer N extends Nesting; attributes: infer C extends Attributes }
}
  ? Nest<N, BlockView<C, Record<never, never>, M>>
  : A extends { integer: true }
    ? number
    : A extends { type: infer T extends Type }
      ? ValueOf<T>
      : never

type IsWriteOnly<F, M extends Mode> = M extends 'config' ? false : F extends { writeOnly: true } ? true : false
type IsComputedOnly<F> = F extends { computed: true } ? (F extends { optional: true } ? false : true) : false

/** What an attribute may be instead of a known value. */
type Absent<F, M extends Mode> =
  IsWriteOnly<F, M> extends true
    ? null
    : F extends { required: true }
      ? never
      : M extends 'config'
        ? null
        : HasDefault<F> extends true
          ? never
          : F extends { computed: true }
            ? (F extends { nullable: true } ? null : never) | (M extends 'plan' ? Unknown : never)
            : null

type HasDefault<F> = 'default' extends keyof F ? (F extends { readonly default?: undefined } ? false : true) : false
