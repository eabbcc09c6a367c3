import * as z from 'zod'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

/** Whether a schema describes what is sent, with defaults left out, or what is received. */
export type Direction = 'input' | 'output'

/** Writes zod's schemas as JSON Schema, those with an id once, as components. */
export interface SchemaWriter {
  write(schema: z.ZodType, direction: Direction): JsonObject
  /** Puts the references of everything written right; call it with the whole document at the end. */
  finish(document: JsonObject): { readonly document: JsonObject; readonly components: JsonObject }
}

/** A reference as it is written before it is known which schemas differ between the directions. */
const pending = /^#(input|output)\/(.+)$/

export function createSchemaWriter(): SchemaWriter {
  const found: Record<Direction, Map<string, JsonObject>> = { input: new Map(), output: new Map() }

  /** What is sent under one id and received in another form under the same has two components. */
  const nameOf = (direction: Direction, id: string): string => {
    const [sent, received] = [found.input.get(id), found.output.get(id)]
    const differs =
      sent && received && JSON.stringify(sent).replaceAll('#input/', '#output/') !== JSON.stringify(received)
    return differs && direction === 'input' ? `${id}Input` : id
  }
  const resolve = (value: Json): Json =>
    mapStrings(value, (text) => {
      const [, direction, id = ''] = pending.exec(text) ?? []
      return direction === undefined ? text : `#/components/schemas/${nameOf(direction as Direction, id)}`
    })

  return {
    write: (schema, direction) => {
      const { $schema: _, $defs = {}, ...rest } = toJsonSchema(schema, direction)
      for (const [id, definition] of Object.entries($defs as JsonObject)) {
        found[direction].set(id, mapReferences(definition, direction) as JsonObject)
      }
      return mapReferences(rest, direction) as JsonObject
    },
    finish: (document) => {
      const components = (['output', 'input'] as const).flatMap((direction) =>
        [...found[direction]].map(([id, definition]) => [nameOf(direction, id), resolve(definition)] as const),
      )
      const sorted = [...new Map(components)].sort(([a], [b]) => (a < b ? -1 : 1))
      return { document: resolve(document) as JsonObject, components: Object.fromEntries(sorted) }
    },
  }
}

function toJsonSchema(schema: z.ZodType, direction: Direction): JsonObject {
  return z.toJSONSchema(schema, {
    io: direction,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // The format says it, in a word.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      // What a client does not know of an answer it passes over.
      if (direction === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
    },
  }) as unknown as JsonObject
}

function mapReferences(value: Json, direction: Direction): Json {
  return mapStrings(value, (text) => text.replace(/^#\/\$defs\//, `#${direction}/`))
}

function mapStrings(value: Json, map: (text: string) => string): Json {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((item: Json) => mapStrings(item, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mapStrings(part as Json, map)]))
}
