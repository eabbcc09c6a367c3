import { conformBlock } from './conform.ts'
import { type Diagnostic, type Diagnostics, newDiagnostics } from './diagnostics.ts'
import type { PrivateData } from './plan-resource.ts'
import { keepSpelling } from './plan-values.ts'
import { newPrivateState } from './private-state.ts'
import type { AnyResource, ApplyContext } from './provider.ts'
import type { Schema } from './schema.ts'
import { attempt, needClient, requestContext, type Session } from './session.ts'
import type { ValueObject } from './value.ts'

export interface ApplyRequest {
  readonly config: ValueObject | null
  readonly prior: ValueObject | null
  readonly planned: ValueObject | null
  /** What the plan kept. */
  readonly private: PrivateData
}

export interface ApplyResult {
  readonly state: ValueObject | null
  readonly private: PrivateData
  readonly diagnostics: readonly Diagnostic[]
}

/** Creates, updates or deletes. Whatever happens, the state that comes back is what is known to exist (R132). */
export async function applyResource<Client>(
  session: Session<Client>,
  resource: AnyResource<Client>,
  request: ApplyRequest,
): Promise<ApplyResult> {
  const diagnostics = newDiagnostics()
  const client = needClient(session, diagnostics)
  if (client === undefined) return { state: request.prior, private: request.private, diagnostics: diagnostics.list }
  const privateState = newPrivateState(request.private)
  const saved: { state: ValueObject | null } = { state: request.prior }
  const context = {
    client,
    private: privateState,
    config: request.config ?? {},
    checkpoint: (state: ValueObject) => {
      saved.state = state
    },
  }
  const { prior, planned } = request
  if (planned) await write(session, resource, { prior, planned }, context, saved, diagnostics)
  else if (prior) await remove(session, resource, prior, context, saved, diagnostics)
  return { state: saved.state, private: saved.state ? privateState.entries() : {}, diagnostics: diagnostics.list }
}

type OwnContext<Client> = Omit<ApplyContext<Schema, Client>, 'diagnostics' | 'signal' | 'log'>

async function write<Client>(
  session: Session<Client>,
  resource: AnyResource<Client>,
  { prior, planned }: { readonly prior: ValueObject | null; readonly planned: ValueObject },
  own: OwnContext<Client>,
  saved: { state: ValueObject | null },
  diagnostics: Diagnostics,
): Promise<void> {
  const { create, update } = resource.timeouts ?? {}
  const context = { ...own, ...requestContext(session, diagnostics, prior ? update : create) }
  const made = await attempt(session, diagnostics, () => {
    if (!prior) return resource.create(planned, context)
    if (resource.update) return resource.update(planned, prior, context)
    throw new Error(`${resource.typeName} cannot be changed in place. This is a bug in the provider: please report it.`)
  })
  const state = made ?? (saved.state === prior ? undefined : saved.state)
  if (state) {
    saved.state = keepSpelling(resource.schema, planned, conformBlock(resource.schema, state, 'state', diagnostics, []))
  } else if (!diagnostics.hasErrors()) {
    diagnostics.error(
      'Provider returned no state',
      `${resource.typeName} neither returned what it made nor an error. This is a bug in the provider: please report it.`,
    )
  }
}

async function remove<Client>(
  session: Session<Client>,
  resource: AnyResource<Client>,
  prior: ValueObject,
  own: OwnContext<Client>,
  saved: { state: ValueObject | null },
  diagnostics: Diagnostics,
): Promise<void> {
  const context = { ...own, ...requestContext(session, diagnostics, resource.timeouts?.delete) }
  await attempt(session, diagnostics, () => resource.delete(prior, context))
  if (!diagnostics.hasErrors()) saved.state = null
}
