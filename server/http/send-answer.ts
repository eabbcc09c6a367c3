import type { Request, Response } from 'express'
import type { OperationFacts } from '../../schemas/operation-facts.ts'
import type { ProblemDocument } from '../../schemas/problem.ts'
import { etagOf, matchesNoneOf } from '../core/etag.ts'
import type { Answer } from './idempotency.ts'
import { sendDocument } from './problem-answer.ts'

/**
 * Sends what an operation answered, with the object's ETag where it has one (R203). Who holds that version of it
 * already is told 304.
 */
export function sendAnswer(request: Request, response: Response, answer: Answer, facts: OperationFacts): void {
  if (answer.isReplay) response.set('idempotency-replayed', 'true')
  if (answer.status >= 400) {
    sendDocument(response, answer.body as ProblemDocument)
    return
  }
  const object = objectOf(request, answer.body, facts)
  if (object !== undefined) {
    const etag = etagOf(object)
    response.set('etag', etag)
    const held = facts.isWrite ? undefined : request.get('if-none-match')
    if (held !== undefined && matchesNoneOf(held, etag)) {
      response.status(304).end()
      return
    }
  }
  response.status(answer.status)
  if (answer.body === undefined) response.end()
  else response.json(answer.body)
}

/** A dry run shows an object that is not there; it has no ETag. */
function objectOf({ query }: Request, body: unknown, { objectField }: OperationFacts): unknown {
  if (objectField === undefined || body === undefined || query.dryRun === 'true') return undefined
  return objectField === '' ? body : (body as Record<string, unknown>)[objectField]
}
