import type { Finding } from './diagnostics.ts'
import type { ObjectFields, Type } from './type.ts'

/** Judges a known, non-null value; an empty list means that it is right. It is never called with anything unknown in it. */
export type Validator<T = never> = (value: T) => readonly Finding[]

/** The marks of an attribute. Exactly one of required, optional, computed, or optional and computed together. */
export interface Marks {
  readonly required?: true
  readonly optional?: true
  /** The provider fills it in where the configuration does not. It keeps its state value unless `changesWith` says more. */
  readonly computed?: true
  /** A computed attribute that may be null in the state. */
  readonly nullable?: true
  readonly sensitive?: true
  /** Only ever in the configuration: null in plan and state. */
  readonly writeOnly?: true
  /** Computed: becomes unknown when one of these siblings changes, or with `'any'` when anything in the resource does. */
  readonly changesWith?: readonly string[] | 'any'
  /** A change replaces the resource; with `'if-configured'` not where the configuration leaves it out. */
  readonly replace?: true | 'if-configured'
  /** Taken where the configuration is null; makes the attribute optional and computed. */
  readonly default?: unknown
  readonly description?: string
  /** Why, and what to use instead; warned about where the attribute is configured. */
  readonly deprecated?: string
}

export type Nesting = 'single' | 'list' | 'set' | 'map'

export interface Attribute {
  readonly type: Type
  readonly marks: Marks
  readonly nested?: NestedAttributes
  readonly integer?: true
  readonly validate: readonly Validator[]
  /** Semantic equality: where true, plan and state keep the spelling they have. */
  readonly equal?: (a: never, b: never) => boolean
}

export interface NestedAttributes {
  readonly nesting: Nesting
  readonly attributes: Attributes
}

export type Attributes = { readonly [name: string]: Attribute }
export type Blocks = { readonly [name: string]: NestedBlock }

export interface Block {
  readonly attributes: Attributes
  readonly blocks?: Blocks
  readonly description?: string
  readonly deprecated?: string
}

export interface NestedBlock {
  readonly nesting: 'single' | 'list' | 'set'
  readonly block: Block
  readonly minItems: number
  readonly maxItems: number
}

/** A block and the version of its state. The version rises whenever stored state needs an upgrader. */
export interface Schema extends Block {
  readonly version?: number
}

const blockTypes = new WeakMap<Block, Type>()

/** The object type of a block's values: every attribute and nested block has its place in it. */
export function blockType(block: Block): Type {
  const known = blockTypes.get(block)
  if (known) return known
  const fields: { [name: string]: Type } = attributeFields(block.attributes)
  for (const [name, nested] of Object.entries(block.blocks ?? {})) fields[name] = nestedBlockType(nested)
  const type: Type = ['object', fields]
  blockTypes.set(block, type)
  return type
}

export function nestedBlockType({ nesting, block }: NestedBlock): Type {
  return nesting === 'single' ? blockType(block) : [nesting, blockType(block)]
}

export function attributeFields(attributes: Attributes): { [name: string]: Type } & ObjectFields {
  return Object.fromEntries(Object.entries(attributes).map(([name, { type }]) => [name, type]))
}

/** Nested attributes of an attribute or of a block, which the walkers treat alike. */
export interface Nested {
  readonly nesting: Nesting
  readonly block: Block
}

const nestedBlocks = new WeakMap<Attributes, Block>()

export function nestedOf(attribute: Attribute): Nested | undefined {
  if (!attribute.nested) return undefined
  const { nesting, attributes } = attribute.nested
  const block = nestedBlocks.get(attributes) ?? { attributes }
  nestedBlocks.set(attributes, block)
  return { nesting, block }
}
