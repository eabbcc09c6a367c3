import { bitbucketEventKeys } from '../../schemas/webhook.ts'
import { type Answer, fieldsOf, json, noContent } from '../call.ts'
import { archived, internalError, invalidField, invalidFields } from '../errors.ts'
import { pageOf } from '../paging.ts'
import { representWebhook } from '../representation.ts'
import type { State, Webhook } from '../state.ts'
import { isRecord, textOf } from '../values.ts'
import { invocationHistory } from './invocations.ts'
import { getWebhookOf, isIn, scopeOf, type WebhookCall } from './webhook-scope.ts'

export function listWebhooks(call: WebhookCall): Answer {
  return page(call, call.emulator.store.state.webhooks.filter(isIn(scopeOf(call))))
}

/** The repository's webhooks and its project's; `scopeType` once or twice chooses. */
export function searchWebhooks(call: WebhookCall): Answer {
  const wanted = call.query.getAll('scopeType').map((scope) => scope.toLowerCase())
  const isOfProject = isIn({ kind: 'project', id: call.project.id })
  const isOfRepository = isIn(scopeOf(call))
  const webhooks = call.emulator.store.state.webhooks
    .filter((webhook) => isOfProject(webhook) || isOfRepository(webhook))
    .filter((webhook) => wanted.length === 0 || wanted.includes(webhook.scope.kind))
  return page(call, webhooks)
}

function page(call: WebhookCall, webhooks: readonly Webhook[]): Answer {
  const events = call.query.getAll('event')
  const chosen = webhooks
    .filter((webhook) => events.length === 0 || events.some((event) => webhook.events.includes(event)))
    .sort((left, right) => left.id - right.id)
    .map((webhook) => represent(call, webhook))
  return json(pageOf(chosen, call.query, call.emulator.settings))
}

function represent(call: WebhookCall, webhook: Webhook): unknown {
  const body = representWebhook(call.emulator.settings, webhook)
  if (call.query.get('statistics') !== 'true') return body
  return { ...body, statistics: invocationHistory(call.emulator, webhook.id, null) }
}

export function getWebhook(call: WebhookCall): Answer {
  return json(represent(call, getWebhookOf(call)))
}

/** Answers 200, not 201. Neither names nor URLs are unique. */
export function createWebhook(call: WebhookCall): Answer {
  checkWritable(call)
  const { settings, store } = call.emulator
  const now = settings.now()
  const values = readWebhook(fieldsOf(call), null)
  const webhook: Webhook = {
    id: store.nextId('webhook'),
    scope: scopeOf(call),
    ...values,
    createdAt: now,
    updatedAt: now,
  }
  store.state.webhooks.push(webhook)
  store.changed()
  return json(representWebhook(settings, webhook))
}

/** Replaces: what is absent is cleared, the secret included; a user name alone keeps the stored password. */
export function updateWebhook(call: WebhookCall): Answer {
  checkWritable(call)
  const { settings, store } = call.emulator
  const webhook = getWebhookOf(call)
  Object.assign(webhook, readWebhook(fieldsOf(call), webhook), { updatedAt: settings.now() })
  store.changed()
  return json(representWebhook(settings, webhook))
}

export function deleteWebhook(call: WebhookCall): Answer {
  checkWritable(call)
  const { store } = call.emulator
  const webhook = getWebhookOf(call)
  const { state }: { state: State } = store
  state.webhooks = state.webhooks.filter(({ id }) => id !== webhook.id)
  store.changed()
  return noContent
}

function checkWritable(call: WebhookCall): void {
  if (call.repository?.isArchived) throw archived(call.repository.slug)
}

type WebhookValues = Omit<Webhook, 'id' | 'scope' | 'createdAt' | 'updatedAt'>

function readWebhook(fields: Readonly<Record<string, unknown>>, stored: Webhook | null): WebhookValues {
  const name = textOf(fields.name) ?? ''
  const url = textOf(fields.url) ?? ''
  const events = Array.isArray(fields.events) ? fields.events.map(String) : []
  const missing = [
    ...(name === '' ? [{ context: 'name', message: 'The webhook needs a name.' }] : []),
    ...(name.length > 255 ? [{ context: 'name', message: 'The name has more than 255 characters.' }] : []),
    ...(isAddress(url) ? [] : [{ context: 'url', message: 'The webhook needs a URL that starts with http or https.' }]),
    ...(events.length === 0 ? [{ context: 'events', message: 'The webhook needs at least one event.' }] : []),
  ]
  if (missing.length > 0) throw invalidFields(missing)
  if (events.some((event) => !bitbucketEventKeys.includes(event))) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Bitbucket never fills its own template in.
    throw invalidField('events', 'the event ${validatedValue} is unknown')
  }
  const configuration = isRecord(fields.configuration) ? { ...fields.configuration } : {}
  if (configuration.secret === '') throw internalError()
  return {
    name,
    url,
    events: [...new Set(events)],
    configuration,
    credentials: readCredentials(fields.credentials, stored),
    isActive: fields.active !== false,
    isSslVerificationRequired: fields.sslVerificationRequired !== false,
  }
}

function isAddress(url: string): boolean {
  return url.length <= 2_048 && /^https?:\/\/./i.test(url)
}

function readCredentials(value: unknown, stored: Webhook | null): Webhook['credentials'] {
  const username = isRecord(value) ? textOf(value.username) : undefined
  if (!isRecord(value) || username === undefined || username === '') return null
  return { username, password: textOf(value.password) ?? stored?.credentials?.password ?? '' }
}
