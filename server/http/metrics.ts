import { Router } from 'express'
import { Gauge, Histogram, type Registry } from 'prom-client'
import type { HttpMetrics } from './request-log.ts'

const longestScrapeMs = 5_000

/** Counts the answers of the router by operation; an address is never a label (S27). */
export function createHttpMetrics(registry: Registry): HttpMetrics {
  const duration = new Histogram({
    name: 'mooring_http_request_seconds',
    help: 'Time to answer requests of the API, by operation and status.',
    labelNames: ['operation', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  })
  return {
    answered: (operation, status, seconds) => duration.observe({ operation, status: String(status) }, seconds),
  }
}

/** The age of the oldest delivery that waits to be processed, in seconds; 0 where none waits (R207). */
export function watchOldestDelivery(
  registry: Registry,
  findOldest: () => Promise<number | undefined>,
  now: () => number,
): void {
  new Gauge({
    name: 'mooring_oldest_unprocessed_delivery_seconds',
    help: 'Age of the oldest delivery that waits to be processed.',
    registers: [registry],
    async collect() {
      const oldest = await findOldest()
      this.set(oldest === undefined ? 0 : Math.max(0, now() - oldest) / 1000)
    },
  })
}

/** `/metrics`, for Prometheus. Closed unless the operator has opened it (S75). */
export function metricsRoute(registry: Registry): Router {
  const router = Router({ caseSensitive: true, strict: true })
  router.get('/metrics', async (request, response) => {
    request.setTimeout(longestScrapeMs)
    response.set('content-type', registry.contentType).send(await registry.metrics())
  })
  return router
}
