import { conformBlock } from './conform.ts'
import { type Diagnostic, newDiagnostics } from './diagnostics.ts'
import type { PrivateData } from './plan-resource.ts'
import { keepSpelling } from './plan-values.ts'
import { newPrivateState } from './private-state.ts'
import type { AnyResource, MovedState } from './provider.ts'
import { attempt, needClient, requestContext, type Session } from './session.ts'
import type { ValueObject } from './value.ts'

export interface StateResult {
  readonly state: ValueObject | null
  readonly private: PrivateData
  readonly diagnostics: readonly Diagnostic[]
}

/** Refreshes. Null says that the object is gone; after an error the state is the one that came in (R132). */
export async function readResource<Client>(
  session: Session<Client>,
  resource: AnyResource<Client>,
  request: { readonly current: ValueObject; readonly private: PrivateData },
): Promise<StateResult> {
  const { current } = request
  const diagnostics = newDiagnostics()
  const kept = { state: current, private: request.private }
  // A provider whose own configuration is still unknown cannot look; the state stands as it was.
  if (session.configured && session.client === undefined) return { ...kept, diagnostics: [] }
  const client = needClient(session, diagnostics)
  if (client === undefined) return { ...kept, diagnostics: diagnostics.list }
  const privateState = newPrivateState(request.private)
  const context = { ...requestContext(session, diagnostics, resource.timeouts?.read), client, private: privateState }
  const read = await attempt(session, diagnostics, () => resource.read(current, context))
  const state = read ? conformBlock(resource.schema, read, 'state', diagnostics, []) : null
  if (diagnostics.hasErrors()) return { ...kept, diagnostics: diagnostics.list }
  return {
    state: state && keepSpelling(resource.schema, current, state),
    private: state ? privateState.entries() : {},
    diagnostics: diagnostics.list,
  }
}

/** Finds what an import names. The state may be sparse: Terraform reads it next. */
export async function importResource<Client>(
  session: Session<Client>,
  resource: AnyResource<Client>,
  id: string,
): Promise<StateResult> {
  const diagnostics = newDiagnostics()
  const privateState = newPrivateState({})
  const { importState } = resource
  if (!importState) {
    diagnostics.error('Import not supported', `${resource.typeName} cannot be imported.`)
    return { state: null, private: {}, diagnostics: diagnostics.list }
  }
  const client = needClient(session, diagnostics)
  if (client === undefined) return { state: null, private: {}, diagnostics: diagnostics.list }
  const context = { ...requestContext(session, diagnostics, resource.timeouts?.read), client, private: privateState }
  const found = await attempt(session, diagnostics, () => resource.importState?.(id, context))
  if (!found && !diagnostics.hasErrors()) {
    diagnostics.error(
      'Nothing to import',
      `${resource.typeName} found no object for the import id ${JSON.stringify(id)}.`,
    )
  }
  const state = found ? conformBlock(resource.schema, found, 'state', diagnostics, []) : null
  return { state, private: privateState.entries(), diagnostics: diagnostics.list }
}

/** Takes over the state of another type (`moved` block). */
export async function moveResource<Client>(
  session: Session<Client>,
  resource: AnyResource<Client>,
  source: MovedState,
): Promise<StateResult> {
  const diagnostics = newDiagnostics()
  const privateState = newPrivateState({})
  const context = { ...requestContext(session, diagnostics, undefined), private: privateState }
  const moved = await attempt(session, diagnostics, () => resource.moveState?.(source, context))
  if (!moved && !diagnostics.hasErrors()) {
    diagnostics.error(
      'Move not supported',
      `${resource.typeName} does not take over the state of ${source.typeName} of ${source.providerAddress}.`,
    )
  }
  const state = moved ? conformBlock(resource.schema, moved, 'state', diagnostics, []) : null
  return { state, private: privateState.entries(), diagnostics: diagnostics.list }
}
