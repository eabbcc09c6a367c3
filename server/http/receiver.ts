import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Clock } from '../core/clock.ts'
import type { Sealer } from '../core/sealer.ts'
import { createDeliveryWriter } from '../store/dialect/delivery-writer.ts'
import type { DiskReserve } from '../store/dialect/disk-reserve.ts'
import type { Wake } from '../store/dialect/wake.ts'
import { SecretCache } from '../store/secret-cache.ts'
import type { Database } from '../store/tables.ts'
import { AddressBudget } from './address-budget.ts'
import type { HttpLimits } from './http-limits.ts'
import { createReceiverMetrics } from './receiver-metrics.ts'
import { createWebhookListener, type WebhookListener } from './webhook-listener.ts'
import { WebhookObservations } from './webhook-observations.ts'

export interface ReceiverParts {
  /** Of the same, migrated database as `db`: the receiver writes through connections of its own. */
  readonly databaseUrl: string
  /** False behind a pooler in transaction mode (L36). */
  readonly preparedStatements?: boolean
  readonly db: Database
  readonly sealer: Pick<Sealer, 'open'>
  readonly limits: HttpLimits
  readonly clock: Clock
  readonly wake: Wake
  readonly registry: Registry
  readonly log: Logger
  /** Kept up to date with what becomes of the disk; without it a full one is found at each delivery anew. */
  readonly disk?: Pick<DiskReserve, 'state' | 'noticed'>
  /** The address that a request comes from: the socket's, or what a trusted proxy says. */
  sourceAddress(request: IncomingMessage): string
}

export interface Receiver {
  readonly listener: WebhookListener
  /** For whoever changes integrations or their secrets: `invalidate(slug)` after the commit. */
  readonly secrets: SecretCache
  readonly observations: WebhookObservations
  /** What strangers may cost, shared with the API (S13). */
  readonly strangers: AddressBudget
  /** Once the HTTP server has closed: waits until everything that was taken in is stored or given up. */
  close(): Promise<void>
}

/** Puts the receiver together: what it needs of the database, what it counts, and how it wakes the processing. */
export function openReceiver(parts: ReceiverParts): Receiver {
  const {
    databaseUrl,
    preparedStatements = true,
    db,
    sealer,
    limits,
    clock,
    wake,
    registry,
    log,
    sourceAddress,
  } = parts
  const secrets = new SecretCache(db, sealer, clock)
  const observations = new WebhookObservations()
  const strangers = new AddressBudget(limits.unverifiedPerSecond, limits.unverifiedBurst)
  const metrics = createReceiverMetrics(registry, () => writer.pending)
  const writer = createDeliveryWriter(
    databaseUrl,
    {
      onCommit: (deliveries, seconds) => {
        metrics.committed(deliveries, seconds)
        wake.wake('deliveryStored')
      },
      onFailure: (error) => {
        metrics.commitFailed()
        parts.disk?.noticed(error)
        log.error({ err: error }, 'deliveries could not be stored')
      },
      onMissingPartition: () => {
        metrics.partitionMissing()
        log.error('the delivery partition of a day was missing: the hourly job does not run')
      },
    },
    { preparedStatements },
  )
  const listener = createWebhookListener({
    secrets,
    writer,
    observations,
    metrics,
    limits,
    clock,
    log,
    isDiskFull: () => parts.disk?.state === 'full',
    strangers,
    sourceAddress,
  })
  return { listener, secrets, observations, strangers, close: () => writer.close() }
}
