import type { Logger } from 'pino'
import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import type { WebhookPolicy } from '../../clients/bitbucket/desired-webhook.ts'
import type { CallClock } from '../../clients/call-scheduler.ts'
import type { ServerClient } from '../../clients/server/client.ts'
import type { HookMetrics } from './metrics.ts'

/** Everything outside that the controller touches, and how it may. */
export interface World {
  readonly server: ServerClient
  readonly bitbucket: BitbucketClient
  readonly clock: CallClock
  /** A number in [0, 1), as `Math.random` gives it. */
  readonly random: () => number
  readonly log: Logger
  readonly metrics: HookMetrics
  readonly policy: Partial<WebhookPolicy>
  readonly removals: 'guarded' | 'confirmed' | 'never'
  /** `plan` sends nothing but GET to Bitbucket, and reports nothing to the server (B39). */
  readonly mode: 'plan' | 'apply'
}
