import { randomUUID } from 'node:crypto'
import type { RequestHandler } from 'express'
import type { Logger } from 'pino'

/** Counts answered requests for the metrics. */
export interface HttpMetrics {
  answered(operation: string, status: number, seconds: number): void
}

/**
 * Gives each request an id of our own, which is in its answer and in each of its log lines, and logs it once it is
 * answered. The address is logged without its query, and never a header or a body.
 */
export function logRequests(log: Logger, metrics: HttpMetrics): RequestHandler {
  return (request, response, next) => {
    const began = performance.now()
    const requestId = randomUUID()
    response.locals.requestId = requestId
    response.locals.log = log.child({ requestId })
    response.set('x-request-id', requestId)
    response.on('finish', () => {
      const seconds = (performance.now() - began) / 1000
      const operation = typeof response.locals.operation === 'string' ? response.locals.operation : 'other'
      metrics.answered(operation, response.statusCode, seconds)
      log.info(
        {
          requestId,
          method: request.method,
          path: request.path.slice(0, 200),
          status: response.statusCode,
          ms: Math.round(seconds * 1000),
          keyId: response.locals.caller?.keyId ?? null,
        },
        'request answered',
      )
    })
    next()
  }
}
