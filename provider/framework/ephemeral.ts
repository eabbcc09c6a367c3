import { conformBlock } from './conform.ts'
import { type Diagnostic, newDiagnostics } from './diagnostics.ts'
import type { PrivateData } from './plan-resource.ts'
import { withDefaults } from './plan-values.ts'
import { newPrivateState } from './private-state.ts'
import type { AnyEphemeralResource } from './provider.ts'
import { attempt, needClient, requestContext, type Session } from './session.ts'
import type { ValueObject } from './value.ts'

export interface EphemeralResult {
  readonly result: ValueObject | null
  readonly renewAt: Date | undefined
  readonly private: PrivateData
  readonly diagnostics: readonly Diagnostic[]
}

/** Opens an ephemeral resource. */
export async function openEphemeral<Client>(
  session: Session<Client>,
  resource: AnyEphemeralResource<Client>,
  config: ValueObject,
): Promise<EphemeralResult> {
  const diagnostics = newDiagnostics()
  const privateState = newPrivateState({})
  const client = needClient(session, diagnostics)
  const failed = { result: null, renewAt: undefined, private: {} }
  if (client === undefined) return { ...failed, diagnostics: diagnostics.list }
  const context = { ...requestContext(session, diagnostics, undefined), client, private: privateState }
  const filled = withDefaults(resource.schema, config, config)
  const opened = await attempt(session, diagnostics, () => resource.open(filled, context))
  if (!opened) {
    if (!diagnostics.hasErrors()) diagnostics.error('Nothing opened', `${resource.typeName} returned no value.`)
    return { ...failed, diagnostics: diagnostics.list }
  }
  return {
    result: conformBlock(resource.schema, opened.result, 'state', diagnostics, []),
    renewAt: opened.renewAt,
    private: privateState.entries(),
    diagnostics: diagnostics.list,
  }
}

/** Renews or closes what was opened. */
export async function tendEphemeral<Client>(
  session: Session<Client>,
  resource: AnyEphemeralResource<Client>,
  action: 'renew' | 'close',
  data: PrivateData,
): Promise<Omit<EphemeralResult, 'result'>> {
  const diagnostics = newDiagnostics()
  const privateState = newPrivateState(data)
  const client = needClient(session, diagnostics)
  if (client === undefined) return { renewAt: undefined, private: data, diagnostics: diagnostics.list }
  // Closing gives back what was lent, which is due all the more after the user pressed Ctrl-C.
  const { signal: stopped, ...common } = requestContext(session, diagnostics, undefined)
  const signal = action === 'close' ? AbortSignal.timeout(closeTimeout) : stopped
  const context = { ...common, signal, client, private: privateState }
  const renewAt = await attempt(session, diagnostics, async () => {
    if (action === 'renew') return resource.renew?.(context)
    await resource.close?.(context)
    return undefined
  })
  return { renewAt, private: privateState.entries(), diagnostics: diagnostics.list }
}

const closeTimeout = 30_000
