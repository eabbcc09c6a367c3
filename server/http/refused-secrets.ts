import type { OperationId } from '../../schemas/api.ts'
import type { Problem } from '../../schemas/problem.ts'
import type { Caller } from '../core/authorise.ts'
import { actorOf } from '../services/actor.ts'
import type { SecretAttempts } from '../services/secret-attempts.ts'

/** A request that was answered with a problem. */
export interface RefusedRequest {
  readonly operation: OperationId
  readonly caller: Caller
  readonly problem: Problem
  readonly params: Readonly<Record<string, unknown>>
  readonly query: Readonly<Record<string, unknown>>
  readonly body: unknown
}

/** The operations that hand out secrets, what a refusal of each is called, and which object it names (S70). */
const secretOperations: Partial<Record<OperationId, { action: string; object: (request: RefusedRequest) => string }>> =
  {
    createToken: { action: 'token.refuse', object: ({ body }) => named('api_key', fieldOf(body, 'keyId')) },
    createSession: { action: 'token.refuse', object: ({ body }) => named('api_key', fieldOf(body, 'keyId')) },
    readWebhookCredentials: {
      action: 'webhook_secret.refuse',
      object: ({ params }) => named('integration', params.id),
    },
    readIntegrationDetails: {
      action: 'webhook_secret.refuse',
      object: ({ params }) => named('integration', params.id),
    },
    listWebhookTargets: {
      action: 'webhook_secret.refuse',
      object: ({ query }) => named('integration', query.integrationId),
    },
  }

/** Makes the listener that notes refused attempts on secrets; what is wrong with a request's form is none. */
export function noteRefusedSecrets(attempts: SecretAttempts): (request: RefusedRequest) => void {
  return (request) => {
    const { operation, caller, problem } = request
    const secret = secretOperations[operation]
    if (!secret || ![401, 403, 404, 429].includes(problem.status)) return
    attempts.note({
      actor: actorOf(caller),
      action: secret.action,
      object: secret.object(request),
      code: problem.code,
    })
  }
}

/** What could be an id, and nothing else of what somebody sent: it might be a secret in the wrong place. */
function named(kind: string, id: unknown): string {
  const isId =
    typeof id === 'string' && /^[a-z0-9-]{1,63}$/.test(id) && (kind !== 'api_key' || /^[0-9a-f-]{36}$/.test(id))
  return `${kind}:${isId ? id : '?'}`
}

function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name) ? Reflect.get(body, name) : undefined
}
