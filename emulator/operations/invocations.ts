import { type Answer, type Emulator, fieldsOf, json, noContent } from '../call.ts'
import type { DeliveryRecord } from '../deliveries.ts'
import { internalError } from '../errors.ts'
import { textOf } from '../values.ts'
import { getWebhookOf, scopeOf, type WebhookCall } from './webhook-scope.ts'

/** The deliveries of one webhook that were really sent, oldest first; of one event, or of all. */
function invocationsOf(emulator: Emulator, webhookId: number, event: string | null): DeliveryRecord[] {
  return emulator.deliveries
    .list()
    .filter((record) => record.webhookId === webhookId && record.outcome !== 'LOST')
    .filter((record) => event === null || record.event === event)
}

function represent(record: DeliveryRecord) {
  return {
    id: record.sequence,
    event: record.event,
    eventScope: { id: String(record.scope.id), type: record.scope.kind },
    duration: record.finishedAt - record.startedAt,
    start: record.startedAt,
    finish: record.finishedAt,
    request: { method: 'POST', url: record.url },
    result: {
      description: record.status === null ? record.description : String(record.status),
      outcome: record.outcome,
    },
  }
}

/** The newest delivery, with what was sent and answered; 204 when there was none. */
export function getLatestInvocation(call: WebhookCall): Answer {
  const webhook = getWebhookOf(call)
  const outcome = call.query.get('outcome')?.toUpperCase()
  const record = invocationsOf(call.emulator, webhook.id, call.query.get('event'))
    .filter((candidate) => outcome === undefined || candidate.outcome === outcome)
    .at(-1)
  if (!record) return noContent
  const invocation = represent(record)
  return json({
    ...invocation,
    request: { ...invocation.request, headers: record.headers, body: record.body },
    result: { ...invocation.result, statusCode: record.status, body: record.description },
  })
}

export function getStatistics(call: WebhookCall): Answer {
  return json(invocationHistory(call.emulator, getWebhookOf(call).id, call.query.get('event')))
}

/** The history of each event that was ever delivered. */
export function getStatisticsSummary(call: WebhookCall): Answer {
  const webhook = getWebhookOf(call)
  const events = new Set(invocationsOf(call.emulator, webhook.id, null).map((record) => record.event))
  return json(
    Object.fromEntries([...events].map((event) => [event, invocationHistory(call.emulator, webhook.id, event)])),
  )
}

export function invocationHistory(emulator: Emulator, webhookId: number, event: string | null) {
  const records = invocationsOf(emulator, webhookId, event)
  const of = (outcome: DeliveryRecord['outcome']) => records.filter((record) => record.outcome === outcome)
  const last = (name: string, outcome: DeliveryRecord['outcome']) => {
    const record = of(outcome).at(-1)
    return record ? { [name]: represent(record) } : {}
  }
  return {
    ...last('lastSuccess', 'SUCCESS'),
    ...last('lastFailure', 'FAILURE'),
    ...last('lastError', 'ERROR'),
    counts: { success: of('SUCCESS').length, failure: of('FAILURE').length, error: of('ERROR').length },
  }
}

/**
 * Sends the ping, unsigned, and answers what was sent, headers included, and what came back.
 * Without a URL Bitbucket fails (500), a webhook's id or not.
 */
export async function testWebhook(call: WebhookCall): Promise<Answer> {
  const url = call.query.get('url')
  const webhookId = call.query.get('webhookId')
  if (url === null || url === '') throw internalError()
  const username = textOf(fieldsOf(call).username)
  const record = await call.emulator.deliveries.sendNow({
    webhookId: webhookId === null ? null : Number(webhookId),
    scope: scopeOf(call),
    url,
    event: 'diagnostics:ping',
    body: '{"test": true}',
    // The ping carries no signature even where the webhook has a secret.
    secret: undefined,
    credentials: username === undefined ? null : { username, password: textOf(fieldsOf(call).password) ?? '' },
    isSslVerificationRequired: call.query.get('sslVerificationRequired') !== 'false',
  })
  const { headers, body, status, description, outcome } = record
  return json({
    request: { method: 'POST', url, headers, body },
    response: { statusCode: status, body: description },
    result: { description: status === null ? description : String(status), outcome },
  })
}
