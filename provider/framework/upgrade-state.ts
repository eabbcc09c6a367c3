import type { Diagnostics } from './diagnostics.ts'
import type { Json } from './json.ts'
import type { Resource } from './provider.ts'

export type JsonObject = { readonly [name: string]: Json }

/** Brings stored state to the schema's version, one upgrader after the other. Undefined after an error. */
export function upgradeState(
  resource: Pick<Resource, 'typeName' | 'schema' | 'upgraders'>,
  version: number,
  state: JsonObject,
  diagnostics: Diagnostics,
): JsonObject | undefined {
  const current = resource.schema.version ?? 0
  if (version > current) {
    diagnostics.error(
      'State is newer than the provider',
      `The state of ${resource.typeName} has version ${version}, and this provider knows up to ${current}. Use the newer provider that wrote it.`,
    )
    return undefined
  }
  let upgraded: JsonObject = state
  for (let from = version; from < current; from++) {
    const upgrade = resource.upgraders?.[from]
    const next = upgrade ? upgrade(upgraded) : undefined
    if (typeof next !== 'object' || next === null || Array.isArray(next)) {
      diagnostics.error(
        'State cannot be upgraded',
        `${resource.typeName} has no way from state version ${from} to ${from + 1}. This is a bug in the provider: please report it.`,
      )
      return undefined
    }
    upgraded = next as JsonObject
  }
  return upgraded
}
