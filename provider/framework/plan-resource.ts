import { conformBlock } from './conform.ts'
import { type Diagnostic, newDiagnostics, type Path, pathText } from './diagnostics.ts'
import { equalValues } from './equality.ts'
import type { Json } from './json.ts'
import { findReplacements, keepSpelling, settleComputed, withDefaults } from './plan-values.ts'
import { newPrivateState } from './private-state.ts'
import type { AnyResource } from './provider.ts'
import { blockType, type Schema } from './schema.ts'
import { attempt, requestContext, type Session } from './session.ts'
import type { ValueObject } from './value.ts'

export type PrivateData = { readonly [key: string]: Json }

export interface PlanRequest {
  readonly config: ValueObject | null
  /** Null for a create. */
  readonly prior: ValueObject | null
  /** Terraform's merge of configuration and prior state; null for a destroy. */
  readonly proposed: ValueObject | null
  readonly private: PrivateData
}

export interface PlanResult {
  readonly planned: ValueObject | null
  readonly requiresReplace: readonly Path[]
  readonly private: PrivateData
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Plans one change in the order that Terraform's own framework keeps: defaults, write-only attributes, spelling, computed
 * attributes where anything changes, replacement, and last the resource's own word. A destroy stays a destroy.
 */
export async function planResource<Client>(
  session: Session<Client>,
  resource: AnyResource<Client>,
  request: PlanRequest,
): Promise<PlanResult> {
  const diagnostics = newDiagnostics()
  const { schema } = resource
  const { prior } = request
  const privateState = newPrivateState(request.private)
  const config = request.config ?? {}
  let planned = request.proposed && planValues(schema, config, prior, request.proposed)
  const replacements = prior && planned ? findReplacements(schema, config, prior, planned) : []
  if (resource.modifyPlan) {
    const change = { config: planned && config, prior, planned }
    const context = {
      ...requestContext(session, diagnostics, undefined),
      client: session.client,
      private: privateState,
      requireReplace: (path: Path) => void replacements.push(path),
    }
    const modified = await attempt(session, diagnostics, () => resource.modifyPlan?.(change, context))
    if (planned && modified) planned = conformBlock(schema, modified, 'plan', diagnostics, [])
  }
  return {
    planned,
    requiresReplace: prior && planned ? distinct(replacements) : [],
    private: privateState.entries(),
    diagnostics: diagnostics.list,
  }
}

/** What the schema alone makes of a create or an update; pure. */
export function planValues(
  schema: Schema,
  config: ValueObject,
  prior: ValueObject | null,
  proposed: ValueObject,
): ValueObject {
  const planned = keepSpelling(schema, prior, withDefaults(schema, config, proposed))
  const isUnchanged = prior !== null && equalValues(prior, planned, blockType(schema))
  return isUnchanged ? planned : settleComputed(schema, config, prior, planned)
}

function distinct(paths: readonly Path[]): readonly Path[] {
  const byText = new Map(paths.map((path) => [pathText(path), path]))
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path)
}
