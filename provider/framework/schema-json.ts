import type { Json } from './json.ts'
import type { AnyProvider, Parameter, Signature } from './provider.ts'
import type { Attribute, Block, NestedBlock, Schema } from './schema.ts'

type JsonObject = { readonly [name: string]: Json }

/** What `terraform providers schema -json` prints for a configuration that uses this provider alone. Pure. */
export function providerSchemaJson<Client>(provider: AnyProvider<Client>): JsonObject {
  return {
    format_version: '1.0',
    provider_schemas: {
      [provider.address]: {
        provider: schemaJson(provider.schema, false),
        ...byName('resource_schemas', provider.resources),
        ...byName('data_source_schemas', provider.dataSources),
        ...byName('ephemeral_resource_schemas', provider.ephemeralResources),
        ...unlessEmpty(
          'functions',
          Object.fromEntries(provider.functions.map((definition) => [definition.name, functionJson(definition)])),
        ),
      },
    },
  }
}

function byName(key: string, types: readonly { readonly typeName: string; readonly schema: Schema }[]): JsonObject {
  return unlessEmpty(key, Object.fromEntries(types.map(({ typeName, schema }) => [typeName, schemaJson(schema, true)])))
}

/** Terraform leaves out what is empty, false or unset. */
function unlessEmpty(key: string, value: JsonObject): JsonObject {
  return Object.keys(value).length > 0 ? { [key]: value } : {}
}

function schemaJson(schema: Schema, canCompute: boolean): JsonObject {
  return { version: schema.version ?? 0, block: blockJson(schema, canCompute) }
}

function blockJson(block: Block, canCompute: boolean): JsonObject {
  return {
    ...unlessEmpty('attributes', attributesJson(block.attributes, canCompute)),
    ...unlessEmpty(
      'block_types',
      Object.fromEntries(
        Object.entries(block.blocks ?? {}).map(([name, nested]) => [name, nestedBlockJson(nested, canCompute)]),
      ),
    ),
    ...(block.description ? { description: block.description } : {}),
    description_kind: 'markdown',
    ...(block.deprecated === undefined ? {} : { deprecated: true }),
  }
}

function nestedBlockJson({ nesting, block, minItems, maxItems }: NestedBlock, canCompute: boolean): JsonObject {
  return {
    nesting_mode: nesting,
    block: blockJson(block, canCompute),
    ...(minItems > 0 ? { min_items: minItems } : {}),
    ...(maxItems > 0 ? { max_items: maxItems } : {}),
  }
}

function attributesJson(attributes: Block['attributes'], canCompute: boolean): JsonObject {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, attribute]) => [name, attributeJson(attribute, canCompute)]),
  )
}

function attributeJson({ type, marks, nested }: Attribute, canCompute: boolean): JsonObject {
  const flags = {
    required: marks.required === true,
    optional: marks.optional === true,
    computed: marks.computed === true && canCompute,
    sensitive: marks.sensitive === true,
    write_only: marks.writeOnly === true,
    deprecated: marks.deprecated !== undefined,
  }
  return {
    ...(nested
      ? { nested_type: { attributes: attributesJson(nested.attributes, canCompute), nesting_mode: nested.nesting } }
      : { type }),
    ...(marks.description ? { description: marks.description } : {}),
    description_kind: 'markdown',
    ...Object.fromEntries(Object.entries(flags).filter(([, isSet]) => isSet)),
  }
}

function functionJson(definition: Signature): JsonObject {
  const { description, summary, deprecated, parameters, variadic } = definition
  return {
    ...(description ? { description } : {}),
    summary,
    ...(deprecated ? { deprecation_message: deprecated } : {}),
    return_type: definition.returns,
    ...(parameters.length > 0 ? { parameters: parameters.map(parameterJson) } : {}),
    ...(variadic ? { variadic_parameter: parameterJson(variadic) } : {}),
  }
}

function parameterJson({ name, description, type, allowNull }: Parameter): JsonObject {
  return {
    name,
    ...(description ? { description } : {}),
    ...(allowNull ? { is_nullable: true } : {}),
    type,
  }
}
