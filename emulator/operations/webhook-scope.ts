import type { Call } from '../call.ts'
import { noSuchWebhook } from '../errors.ts'
import type { Repository, Webhook } from '../state.ts'

/** A call to the webhooks of a project, or of a repository in it. */
export interface WebhookCall extends Call {
  readonly project: { readonly id: number }
  readonly repository?: Repository
}

/** Whose webhooks the call is about. */
export function scopeOf(call: WebhookCall): Webhook['scope'] {
  return call.repository ? { kind: 'repository', id: call.repository.id } : { kind: 'project', id: call.project.id }
}

/** Chooses the webhooks of a repository or a project. */
export function isIn(scope: Webhook['scope']): (webhook: Webhook) => boolean {
  return (webhook) => webhook.scope.kind === scope.kind && webhook.scope.id === scope.id
}

/** The webhook that the path names. Throws a 404 when it is none of this repository or project. */
export function getWebhookOf(call: WebhookCall): Webhook {
  const id = call.params.webhookId ?? ''
  const webhook = call.emulator.store.state.webhooks.find((candidate) => String(candidate.id) === id)
  if (!webhook || !isIn(scopeOf(call))(webhook)) throw noSuchWebhook(id)
  return webhook
}
