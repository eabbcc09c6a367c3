import { conformBlock } from './conform.ts'
import { type Diagnostic, newDiagnostics } from './diagnostics.ts'
import { withDefaults } from './plan-values.ts'
import type { AnyDataSource } from './provider.ts'
import { attempt, needClient, requestContext, type Session } from './session.ts'
import type { ValueObject } from './value.ts'

export interface DataResult {
  readonly state: ValueObject | null
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads a data source. Its configuration is known: Terraform waits until it is. */
export async function readDataSource<Client>(
  session: Session<Client>,
  source: AnyDataSource<Client>,
  config: ValueObject,
): Promise<DataResult> {
  const diagnostics = newDiagnostics()
  const client = needClient(session, diagnostics)
  if (client === undefined) return { state: null, diagnostics: diagnostics.list }
  const context = { ...requestContext(session, diagnostics, undefined), client }
  const filled = withDefaults(source.schema, config, config)
  const read = await attempt(session, diagnostics, () => source.read(filled, context))
  if (!read && !diagnostics.hasErrors()) {
    diagnostics.error('Nothing found', `${source.typeName} found nothing for this configuration.`)
  }
  const state = read ? conformBlock(source.schema, read, 'state', diagnostics, []) : null
  return { state: diagnostics.hasErrors() ? null : state, diagnostics: diagnostics.list }
}
