import type { Finding, PathStep } from './diagnostics.ts'

/** The part of a zod schema that is needed here; the framework itself does not depend on zod. */
export interface SafeParser {
  safeParse(value: unknown): {
    readonly success: boolean
    readonly error?:
      | { readonly issues: readonly { readonly message: string; readonly path: readonly PropertyKey[] }[] }
      | undefined
  }
}

/**
 * A validator from a zod schema: each issue becomes one finding. Only judges, never changes: what the schema would
 * transform is ignored. For a set give the element's place no meaning: see `conformsEach`.
 */
export function conforms(parser: SafeParser): (value: unknown) => readonly Finding[] {
  return (value) =>
    issuesOf(parser, value).map(({ message, path }) => ({
      message,
      ...(path.length > 0 ? { path: path.map((key) => pathStep(value, key)) } : {}),
    }))
}

/** The same for every element of a list, set or map. The messages name the element, for a set has no path to it. */
export function conformsEach(parser: SafeParser): (value: unknown) => readonly Finding[] {
  return (value) =>
    Object.values(value ?? {}).flatMap((element: unknown) =>
      issuesOf(parser, element).map(({ message }) => ({
        message: typeof element === 'string' ? `${JSON.stringify(element)}: ${message}` : message,
      })),
    )
}

function issuesOf(parser: SafeParser, value: unknown) {
  const parsed = parser.safeParse(value)
  return parsed.success ? [] : (parsed.error?.issues ?? [])
}

function pathStep(value: unknown, key: PropertyKey): PathStep {
  if (typeof key === 'number') return { index: key }
  return Array.isArray(value) ? { index: Number(String(key)) } : { attribute: String(key) }
}
