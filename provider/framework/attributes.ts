import type { NestedView } from './infer.ts'
import type { Attribute, Attributes, Block, Blocks, Marks, NestedBlock, Nesting, Schema, Validator } from './schema.ts'
import { attributeFields } from './schema.ts'
import type { Type } from './type.ts'
import type { Dynamic, Numeric } from './value.ts'
import type { ValueOf } from './value-of.ts'

/** Builders for schemas, meant to be imported whole: `import * as s from '../framework/attributes.ts'`. */

/** What one may say about an attribute whose known values are `T`. */
export interface Options<T> extends Marks {
  readonly default?: T
  readonly validate?: readonly Validator<T>[]
  equal?(a: T, b: T): boolean
}

/** An attribute that remembers, for the inferred state type, its type and its marks. */
export interface TypedAttribute<T extends Type, M extends Marks> extends Attribute {
  readonly type: T
  readonly marks: M
}

/** An attribute with attributes of its own. */
export interface TypedNested<N extends Nesting, A extends Attributes, M extends Marks> extends Attribute {
  readonly marks: M
  readonly nested: { readonly nesting: N; readonly attributes: A }
}

export interface TypedBlock<N extends NestedBlock['nesting'], B extends Block> extends NestedBlock {
  readonly nesting: N
  readonly block: B
}

/** `O` keeps the marks as literal types; what `Options` does not know is refused, like a misspelled mark. */
type Checked<T, O> = O & Options<T> & { readonly [K in Exclude<keyof O, keyof Options<T>>]: never }

export function string<const O extends Marks>(options: Checked<string, O>) {
  return typed<'string', O>('string', options)
}

/** A whole number that JavaScript holds exactly; validation refuses others. In resource code a `number`. */
export function int<const O extends Marks>(options: Checked<number, O>) {
  return { ...typed<'number', O>('number', options), integer: true as const }
}

/** Any number, exact: see `Numeric`. */
export function number<const O extends Marks>(options: Checked<Numeric, O>) {
  return typed<'number', O>('number', options)
}

export function bool<const O extends Marks>(options: Checked<boolean, O>) {
  return typed<'bool', O>('bool', options)
}

export function list<const E extends Type, const O extends Marks>(
  element: E,
  options: Checked<readonly ValueOf<E>[], O>,
) {
  return typed<readonly ['list', E], O>(['list', element], options)
}

/** Without order and duplicates; an array in resource code. */
export function set<const E extends Type, const O extends Marks>(
  element: E,
  options: Checked<readonly ValueOf<E>[], O>,
) {
  return typed<readonly ['set', E], O>(['set', element], options)
}

export function map<const E extends Type, const O extends Marks>(
  element: E,
  options: Checked<{ readonly [key: string]: ValueOf<E> }, O>,
) {
  return typed<readonly ['map', E], O>(['map', element], options)
}

/** A value whose type the user chooses. Prefer anything else. */
export function dynamic<const O extends Marks>(options: Checked<Dynamic, O>) {
  return typed<'dynamic', O>('dynamic', options)
}

/** One object with attributes of its own: `repository = { … }`. */
export function object<const A extends Attributes, const O extends Marks>(
  attributes: A,
  options: Checked<NestedView<'single', A>, O>,
) {
  return nested<'single', A, O>('single', attributes, options, ['object', attributeFields(attributes)])
}

export function objectList<const A extends Attributes, const O extends Marks>(
  attributes: A,
  options: Checked<NestedView<'list', A>, O>,
) {
  return nested<'list', A, O>('list', attributes, options, ['list', ['object', attributeFields(attributes)]])
}

/** Avoid computed attributes in a set: nothing says which element is which. */
export function objectSet<const A extends Attributes, const O extends Marks>(
  attributes: A,
  options: Checked<NestedView<'set', A>, O>,
) {
  return nested<'set', A, O>('set', attributes, options, ['set', ['object', attributeFields(attributes)]])
}

export function objectMap<const A extends Attributes, const O extends Marks>(
  attributes: A,
  options: Checked<NestedView<'map', A>, O>,
) {
  return nested<'map', A, O>('map', attributes, options, ['map', ['object', attributeFields(attributes)]])
}

/** Whether a nested block may, or must, be given, and how often. */
export interface BlockLimits {
  readonly minItems?: number
  readonly maxItems?: number
}

export function singleBlock<const B extends Block>(block: B): TypedBlock<'single', B> {
  return { nesting: 'single', block, minItems: 0, maxItems: 0 }
}

export function listBlock<const B extends Block>(block: B, limits: BlockLimits): TypedBlock<'list', B> {
  return { nesting: 'list', block, minItems: limits.minItems ?? 0, maxItems: limits.maxItems ?? 0 }
}

export function setBlock<const B extends Block>(block: B, limits: BlockLimits): TypedBlock<'set', B> {
  return { nesting: 'set', block, minItems: limits.minItems ?? 0, maxItems: limits.maxItems ?? 0 }
}

export interface TypedSchema<A extends Attributes, B extends Blocks> extends Schema {
  readonly attributes: A
  readonly blocks: B
}

/** Keeps the literal types of a schema, from which `StateOf`, `PlanOf` and `ConfigOf` are inferred. */
export function schema<const A extends Attributes, const B extends Blocks = Record<never, never>>(
  definition: Omit<Schema, 'attributes' | 'blocks'> & { readonly attributes: A; readonly blocks?: B },
): TypedSchema<A, B> {
  return { ...definition, blocks: definition.blocks ?? ({} as B) }
}

function typed<T extends Type, M extends Marks>(type: T, options: M): TypedAttribute<T, M> {
  return { type, ...split(options) }
}

function nested<N extends Nesting, A extends Attributes, M extends Marks>(
  nesting: N,
  attributes: A,
  options: M,
  type: Type,
): TypedNested<N, A, M> {
  return { type, nested: { nesting, attributes }, ...split(options) }
}

/** The marks keep the type of the options they came from: that is where the inferred state type reads them. */
function split<M extends Marks>(options: M): Pick<Attribute, 'validate' | 'equal'> & { readonly marks: M } {
  const { validate, equal, ...given }: Marks & Partial<Pick<Attribute, 'validate' | 'equal'>> = options
  const marks = given.default === undefined ? given : { ...given, optional: true, computed: true }
  return { marks: marks as Marks as M, validate: validate ?? [], ...(equal ? { equal } : {}) }
}
