import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { RefusalReason } from './webhook-answers.ts'
import type { SignatureFailure } from './webhook-headers.ts'

/** What became of a request at a webhook address. */
export type WebhookOutcome = 'stored' | 'duplicate' | 'ping' | 'aborted' | RefusalReason

/** What the receiver counts. */
export interface ReceiverMetrics {
  answered(outcome: WebhookOutcome): void
  /** A signature that does not hold, whether answered 401 or 429. */
  rejected(reason: SignatureFailure): void
  committed(deliveries: number, seconds: number): void
  commitFailed(): void
  partitionMissing(): void
}

/** Counts for Prometheus. Outcomes are counted in a plain map: a labelled counter costs more than the signature. */
export function createReceiverMetrics(registry: Registry, unanswered: () => number): ReceiverMetrics {
  const outcomes = new Map<WebhookOutcome, number>()
  new Counter({
    name: 'mooring_webhook_requests_total',
    help: 'Requests at webhook addresses by what became of them.',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [outcome, count] of outcomes) this.inc({ outcome }, count)
    },
  })
  const rejections = new Counter({
    name: 'mooring_webhook_rejected_total',
    help: 'Webhooks whose signature does not hold, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  })
  new Gauge({
    name: 'mooring_webhook_unanswered',
    help: 'Verified deliveries that wait to be stored; alert at 400, at 4096 they are refused.',
    registers: [registry],
    collect() {
      this.set(unanswered())
    },
  })
  const batch = new Histogram({
    name: 'mooring_webhook_commit_deliveries',
    help: 'Deliveries in one commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'mooring_webhook_commit_seconds',
    help: 'Time of one commit of deliveries.',
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
    registers: [registry],
  })
  const failures = new Counter({
    name: 'mooring_webhook_commit_failures_total',
    help: 'Commits of deliveries that failed and were tried again.',
    registers: [registry],
  })
  const partitions = new Counter({
    name: 'mooring_delivery_partitions_missing_total',
    help: 'Days whose partition had to be made at the last moment; more than 0 means that the hourly job does not run.',
    registers: [registry],
  })
  return {
    answered: (outcome) => {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    },
    rejected: (reason) => rejections.inc({ reason }),
    committed: (deliveries, seconds) => {
      batch.observe(deliveries)
      duration.observe(seconds)
    },
    commitFailed: () => failures.inc(),
    partitionMissing: () => partitions.inc(),
  }
}
