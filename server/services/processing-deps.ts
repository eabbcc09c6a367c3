import type { Logger } from 'pino'
import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import type { Clock } from '../core/clock.ts'
import type { Verdict } from '../store/delivery-queue.ts'
import type { IntegrationRow } from '../store/integrations.ts'
import type { Database } from '../store/tables.ts'
import type { ComparedFiles } from './ask-bitbucket.ts'
import type { ComparisonCache } from './comparison-cache.ts'

/** What processing needs of the world. */
export interface ProcessingDeps {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
  /** The server's address, for links in build statuses. */
  readonly publicUrl: () => string
  /** The client of an integration, with its token. */
  readonly bitbucketClient: (integration: IntegrationRow) => BitbucketClient
  readonly comparisons: ComparisonCache<ComparedFiles>
  /** Told of each verdict, for the metrics. */
  readonly onVerdict: (verdict: Verdict) => void
  /** Told when runs were made and committed. */
  readonly onRuns: () => void
  /** Aborts what is asked of Bitbucket when the server stops. */
  readonly signal: AbortSignal
}
