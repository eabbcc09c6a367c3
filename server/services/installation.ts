import type { Clock } from '../core/clock.ts'
import type { FailureLimiter } from '../core/failure-limiter.ts'
import type { Sealer } from '../core/sealer.ts'
import type { Database } from '../store/tables.ts'
import type { BitbucketAccess } from './bitbucket-access.ts'

/** What the services work with: one per server process, made in `start-server.ts` and handed in. */
export interface Installation {
  readonly db: Database
  readonly clock: Clock
  readonly sealer: Sealer
  readonly instanceId: string
  /** The address at which Bitbucket reaches this server; undefined until it is known (R209). */
  readonly publicUrl: () => string | undefined
  readonly bitbucket: BitbucketAccess
  /** Counts each caller's looks at Bitbucket through tokens that are not his own (S26). */
  readonly lookUps: FailureLimiter
  /** What a new integration lends as long as nobody says (S23). */
  readonly repositoryAccess: 'everything' | 'nothing'
  /** Called after a commit that changed an integration's secrets, with its slug: the receiver forgets what it knew. */
  readonly onSecretsChanged: (integrationSlug: string) => void
  /** Called after a commit that revoked a key. */
  readonly onKeyRevoked: (keyId: string) => void
}

/** A time of the database as the API writes it. */
export function timestamp(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

export function timestampOrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : timestamp(epochMs)
}

/** A `Json` column of labels. */
export function labelsOf(json: string): string[] {
  return JSON.parse(json) as string[]
}
