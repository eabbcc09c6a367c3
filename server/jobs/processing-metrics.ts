import { Counter, type Registry } from 'prom-client'
import type { Verdict } from '../store/delivery-queue.ts'

export interface ProcessingMetrics {
  verdict(verdict: Verdict): void
}

/** Counts what becomes of deliveries: `not_confirmed` among the reasons may be forgeries (R46). */
export function createProcessingMetrics(registry: Registry): ProcessingMetrics {
  const verdicts = new Counter({
    name: 'mooring_deliveries_processed_total',
    help: 'Processed deliveries by verdict and reason; not_confirmed may be forgeries.',
    labelNames: ['verdict', 'reason'],
    registers: [registry],
  })
  return { verdict: ({ verdict, reason }) => verdicts.inc({ verdict, reason: reason ?? '' }) }
}
