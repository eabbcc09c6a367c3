import { DiagnosticError, type Diagnostics } from './diagnostics.ts'
import type { AnyProvider, Logger, RequestContext } from './provider.ts'

/** One provider process as the operations see it: the provider, what configuring it gave, and the signal to stop. */
export interface Session<Client> {
  readonly provider: AnyProvider<Client>
  client: Client | undefined
  configured: boolean
  readonly stop: AbortController
  readonly log: Logger
}

export function newSession<Client>(provider: AnyProvider<Client>, log: Logger): Session<Client> {
  return { provider, client: undefined, configured: false, stop: new AbortController(), log }
}

/** The context of one call; its signal aborts when Terraform stops the provider and, with a timeout, when that is over. */
export function requestContext(
  session: Pick<Session<never>, 'stop' | 'log'>,
  diagnostics: Diagnostics,
  timeout: number | undefined,
): RequestContext {
  const { signal } = session.stop
  return {
    diagnostics,
    log: session.log,
    signal: timeout === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
  }
}

/** Runs provider code; what it throws becomes a diagnostic, and the result is undefined. */
export async function attempt<T>(
  { provider, log }: { readonly provider: Pick<AnyProvider<never>, 'describeError'>; readonly log: Logger },
  diagnostics: Diagnostics,
  run: () => Promise<T> | T,
): Promise<T | undefined> {
  try {
    return await run()
  } catch (error) {
    diagnostics.add(describe(provider, error))
    log.debug('provider code threw', { error: error instanceof Error ? error.name : typeof error })
    return undefined
  }
}

function describe(provider: Pick<AnyProvider<never>, 'describeError'>, error: unknown) {
  if (error instanceof DiagnosticError) return error.diagnostic
  const described = provider.describeError?.(error)
  if (described) return described
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { severity: 'error' as const, summary: 'Unexpected error in the provider', detail }
}

/** The client, or a diagnostic that says why there is none. */
export function needClient<Client>(session: Session<Client>, diagnostics: Diagnostics): Client | undefined {
  if (session.client === undefined) {
    diagnostics.error(
      'Provider is not configured',
      session.configured
        ? 'The provider block has values that are not known yet. Apply what they come from first, for example with -target.'
        : 'Terraform asked for work before it configured the provider.',
    )
  }
  return session.client
}
