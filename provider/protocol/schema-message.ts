import type { Parameter, Signature } from '../framework/provider.ts'
import type { Attribute, Block, NestedBlock, Schema } from '../framework/schema.ts'
import {
  type Function_Parameter,
  type FunctionMessage,
  type Schema_Attribute,
  type Schema_Block,
  type Schema_NestedBlock,
  Schema_NestedBlock_NestingMode,
  Schema_Object_NestingMode,
  type Schema as SchemaMessage,
  StringKind,
} from './generated/tfplugin6.ts'
import { typeBytes } from './type-text.ts'

/** What a schema is for: only a resource's attributes can be computed from a default (see `Marks.default`). */
export type SchemaUse = 'resource' | 'provider'

export function schemaMessage(schema: Schema, use: SchemaUse): SchemaMessage {
  const version = BigInt(schema.version ?? 0)
  return { version, block: blockMessage(schema, use) }
}

function blockMessage(block: Block, use: SchemaUse): Schema_Block {
  const blocks = Object.entries(block.blocks ?? {})
  return {
    version: 0n,
    attributes: Object.entries(block.attributes).map(([name, attribute]) => attributeMessage(name, attribute, use)),
    blockTypes: blocks.map(([name, nested]) => nestedBlockMessage(name, nested, use)),
    description: block.description ?? '',
    descriptionKind: StringKind.MARKDOWN,
    deprecated: block.deprecated !== undefined,
    deprecationMessage: block.deprecated ?? '',
  }
}

const blockNesting = {
  single: Schema_NestedBlock_NestingMode.SINGLE,
  list: Schema_NestedBlock_NestingMode.LIST,
  set: Schema_NestedBlock_NestingMode.SET,
} as const

function nestedBlockMessage(typeName: string, nested: NestedBlock, use: SchemaUse): Schema_NestedBlock {
  return {
    typeName,
    block: blockMessage(nested.block, use),
    nesting: blockNesting[nested.nesting],
    minItems: BigInt(nested.minItems),
    maxItems: BigInt(nested.maxItems),
  }
}

const objectNesting = {
  single: Schema_Object_NestingMode.SINGLE,
  list: Schema_Object_NestingMode.LIST,
  set: Schema_Object_NestingMode.SET,
  map: Schema_Object_NestingMode.MAP,
} as const

function attributeMessage(name: string, attribute: Attribute, use: SchemaUse): Schema_Attribute {
  const { marks, nested } = attribute
  return {
    name,
    type: nested ? new Uint8Array() : typeBytes(attribute.type),
    nestedType: nested && {
      attributes: Object.entries(nested.attributes).map(([inner, child]) => attributeMessage(inner, child, use)),
      nesting: objectNesting[nested.nesting],
      minItems: 0n,
      maxItems: 0n,
    },
    description: marks.description ?? '',
    required: marks.required === true,
    optional: marks.optional === true,
    computed: marks.computed === true && use === 'resource',
    sensitive: marks.sensitive === true,
    descriptionKind: StringKind.MARKDOWN,
    deprecated: marks.deprecated !== undefined,
    writeOnly: marks.writeOnly === true,
    deprecationMessage: marks.deprecated ?? '',
  }
}

export function functionMessage(definition: Signature): FunctionMessage {
  return {
    parameters: definition.parameters.map(parameterMessage),
    variadicParameter: definition.variadic && parameterMessage(definition.variadic),
    return: { type: typeBytes(definition.returns) },
    summary: definition.summary,
    description: definition.description ?? '',
    descriptionKind: StringKind.MARKDOWN,
    deprecationMessage: definition.deprecated ?? '',
  }
}

function parameterMessage(parameter: Parameter): Function_Parameter {
  return {
    name: parameter.name,
    type: typeBytes(parameter.type),
    allowNullValue: parameter.allowNull === true,
    allowUnknownValues: parameter.allowUnknown === true,
    description: parameter.description ?? '',
    descriptionKind: StringKind.MARKDOWN,
  }
}
