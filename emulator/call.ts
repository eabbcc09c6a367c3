import type { Deliveries } from './deliveries.ts'
import type { Faults } from './faults.ts'
import type { GitStorage } from './git/plumbing.ts'
import type { Principal } from './permissions.ts'
import type { RequestLog } from './requests.ts'
import type { Settings } from './settings.ts'
import type { Project, Repository, Store } from './state.ts'
import { isRecord } from './values.ts'

/** The parts of a running emulator. */
export interface Emulator {
  readonly settings: Settings
  readonly store: Store
  readonly git: GitStorage
  readonly deliveries: Deliveries
  readonly faults: Faults
  readonly requests: RequestLog
}

/** One request to an operation, after authentication and permission. */
export interface Call {
  readonly emulator: Emulator
  readonly principal: Principal
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The parsed JSON body; undefined when there was none. */
  readonly body: unknown
}

export interface ProjectCall extends Call {
  readonly project: Project
}

export interface RepositoryCall extends ProjectCall {
  readonly repository: Repository
}

export interface Answer {
  readonly status: number
  /** JSON; absent: an empty body. */
  readonly body?: unknown
  readonly bytes?: { readonly contentType: string; readonly content: Buffer }
}

export function json(body: unknown, status = 200): Answer {
  return { status, body }
}

export const noContent: Answer = { status: 204 }

/** The body as an object; an absent body or another kind of JSON counts as an empty one. */
export function fieldsOf(call: Call): Readonly<Record<string, unknown>> {
  const { body } = call
  return isRecord(body) ? body : {}
}
