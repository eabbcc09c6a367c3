import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import formatsPlugin from 'ajv-formats'
import { differences } from '../../../emulator/differences.ts'
import type { Exchange } from '../../../emulator/handler.ts'

/** Where Atlassian's OpenAPI and the public fixtures are, on machines that have them. */
export const reference = join(import.meta.dirname, '../../../../shared/reference')
export const isReferenceAtHand = existsSync(join(reference, 'openapi/bitbucket-9.4-openapi.json'))

interface Document {
  readonly paths: Record<string, Record<string, DeclaredOperation | undefined> | undefined>
  readonly components: { readonly schemas: Record<string, unknown> }
}

interface DeclaredOperation {
  readonly operationId: string
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema?: unknown }> } | undefined>
}

export interface OpenApiCheck {
  /** Compares one answer; what differs and no row of `differences` forgives is kept as a problem. */
  check(exchange: Exchange): void
  readonly problems: readonly string[]
  /** `METHOD path status`, each with how often it was seen. */
  readonly seen: ReadonlyMap<string, number>
  /** The rows of `differences` that an answer met. */
  readonly met: ReadonlySet<string>
  /** The operation id that the OpenAPI has for a row of the table, without `/rest`. */
  operationId(method: string, path: string): string | undefined
}

interface Compiled {
  readonly document: Document
  readonly ajv: Ajv
  readonly validators: Map<string, ValidateFunction | null>
}

/** Kept for the process: reading and compiling costs more than a test. */
let compiled: Compiled | undefined

/** Reads the OpenAPI and closes its schemas: a key that it does not declare is a difference. */
function compile(): Compiled {
  const text = readFileSync(join(reference, 'openapi/bitbucket-9.4-openapi.json'), 'utf8')
  const document = close(JSON.parse(text)) as Document
  const ajv = new Ajv({ strict: false, allErrors: true })
  formatsPlugin.default(ajv)
  ajv.addSchema({ $id: 'openapi', components: document.components, paths: document.paths })
  return { document, ajv, validators: new Map() }
}

function close(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(close)
  if (typeof node !== 'object' || node === null) return node
  const closed: Record<string, unknown> = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === 'example' ? undefined : close(value)]),
  )
  const { properties } = closed
  const isObjectSchema = typeof properties === 'object' && properties !== null && Object.keys(properties).length > 0
  return isObjectSchema && !('type' in properties && typeof properties.type === 'string')
    ? { ...closed, additionalProperties: false }
    : closed
}

/** Checks answers against Atlassian's OpenAPI for 9.4, with the rows of `differences` as the only exceptions. */
export function createOpenApiCheck(): OpenApiCheck {
  compiled ??= compile()
  const { ajv, validators } = compiled
  const { paths } = compiled.document
  const problems: string[] = []
  const seen = new Map<string, number>()
  const met = new Set<string>()

  function declared(method: string, path: string): DeclaredOperation | undefined {
    return paths[path]?.[method.toLowerCase()]
  }

  function report(where: string, anywhere: string, detail: string): void {
    const row = differences.find(
      (difference) => difference.where.includes(where) || difference.where.includes(anywhere),
    )
    if (row) met.add(row.what)
    else problems.push(`${where}: ${detail}`)
  }

  function validatorFor(key: string, path: string, method: string, status: number): ValidateFunction | null {
    const known = validators.get(key)
    if (known !== undefined) return known
    const content = declared(method, path)?.responses[String(status)]?.content ?? {}
    const [mediaType, media] = Object.entries(content)[0] ?? []
    const pointer = [path, method.toLowerCase(), 'responses', String(status), 'content', mediaType ?? '', 'schema']
    const $ref = `openapi#/paths/${pointer.map((part) => encodeURIComponent(part.replaceAll('/', '~1'))).join('/')}`
    const validator = media?.schema === undefined ? null : ajv.compile({ $ref })
    validators.set(key, validator)
    return validator
  }

  return {
    problems,
    seen,
    met,
    operationId(method, path) {
      return declared(method, path)?.operationId
    },
    check({ operation, status, body }) {
      const key = `${operation} ${status}`
      seen.set(key, (seen.get(key) ?? 0) + 1)
      const [method = '', fullPath = ''] = operation.split(' ')
      const path = fullPath.replace(/^\/rest/, '')
      const found = declared(method, path)
      if (!found) return report(operation, '', 'the OpenAPI does not declare this operation')
      if (!found.responses[String(status)])
        return report(key, `* ${status}`, 'the OpenAPI does not declare this status')
      const validator = validatorFor(key, path, method, status)
      if (!validator || body === undefined || validator(JSON.parse(JSON.stringify(body)))) return
      const content = Object.values(found.responses[String(status)]?.content ?? {})[0]
      for (const error of validator.errors ?? []) reportError(error, key, nameOf(content?.schema, key))
    },
  }

  function reportError(error: ErrorObject, key: string, schemaName: string): void {
    const schema = error.schemaPath.match(/components\/schemas\/([A-Za-z]+)/)?.[1] ?? schemaName
    const properties = [...error.schemaPath.matchAll(/properties\/([A-Za-z]+)/g)].map((match) => match[1])
    const added = error.keyword === 'additionalProperties' ? [String(error.params.additionalProperty)] : []
    const path = [...properties, ...added].join('.')
    report(
      `${schema}.${path}`,
      `*.${path}`,
      `${key} ${error.instancePath} ${error.message ?? ''} ${JSON.stringify(error.params)}`,
    )
  }
}

/** `#/components/schemas/RestWebhook` → `RestWebhook`; an answer whose schema has no name is called by its key. */
function nameOf(schema: unknown, key: string): string {
  const isReference = typeof schema === 'object' && schema !== null && '$ref' in schema
  return isReference ? (String(schema.$ref).split('/').at(-1) ?? key) : key
}
