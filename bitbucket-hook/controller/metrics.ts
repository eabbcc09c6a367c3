import { Counter, Gauge, Registry } from 'prom-client'
import type { Transport } from '../../clients/transport.ts'
import { type RepositoryReport, repositoryStates } from './repository-report.ts'

/** What the service counts (B43). Labels are states, kinds and codes: never a name, never a secret. */
export interface HookMetrics {
  readonly registry: Registry
  repositories(reports: readonly RepositoryReport[]): void
  drift(kinds: readonly string[]): void
  write(operation: 'create' | 'update' | 'delete', result: 'ok' | 'failed'): void
  rateLimited(seconds: number): void
  credential(isAccepted: boolean): void
  /** A sweep that reached its end; `at` in milliseconds since the epoch. */
  sweep(seconds: number, at: number): void
  /** Counts each request by the answer's status, and `none` where there was no answer. */
  counting(transport: Transport): Transport
}

export function createHookMetrics(): HookMetrics {
  const registry = new Registry()
  const registers = [registry]
  const named = (name: string, help: string) => ({ name: `mooring_hook_${name}`, help, registers })
  const repositories = new Gauge({ ...named('repos_total', 'Repositories by state.'), labelNames: ['state'] })
  const drift = new Counter({ ...named('drift_total', 'Drift found, by kind.'), labelNames: ['kind'] })
  const writes = new Counter({ ...named('writes_total', 'Writes to Bitbucket.'), labelNames: ['op', 'result'] })
  const requests = new Counter({ ...named('api_requests_total', 'Requests to Bitbucket.'), labelNames: ['code'] })
  const limited = new Counter(named('rate_limited_seconds', 'Time for which Bitbucket asked us to wait.'))
  const refused = new Gauge(named('credential_refused', '1 while Bitbucket does not accept the access token.'))
  const sweepSeconds = new Gauge(named('sweep_seconds', 'How long the last sweep took.'))
  const lastSuccess = new Gauge(named('last_success_timestamp', 'When a sweep last reached its end, Unix seconds.'))
  return {
    registry,
    repositories: (reports) => {
      for (const state of repositoryStates) {
        repositories.set({ state }, reports.filter((report) => report.state === state).length)
      }
    },
    drift: (kinds) => {
      for (const kind of kinds) drift.inc({ kind })
    },
    write: (op, result) => writes.inc({ op, result }),
    rateLimited: (seconds) => limited.inc(seconds),
    credential: (isAccepted) => refused.set(isAccepted ? 0 : 1),
    sweep: (seconds, at) => {
      sweepSeconds.set(seconds)
      lastSuccess.set(at / 1000)
    },
    counting: (transport) => async (request) => {
      try {
        const response = await transport(request)
        requests.inc({ code: String(response.status) })
        return response
      } catch (error) {
        requests.inc({ code: 'none' })
        throw error
      }
    },
  }
}
