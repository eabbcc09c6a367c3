import { randomUUID } from 'node:crypto'
import { type OperationId, operations } from '../../../schemas/api.ts'
import { apiExamples } from '../../../schemas/api-examples.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { operationFacts } from '../../../schemas/operation-facts.ts'
import { surfacesOf } from '../../../server/core/audiences.ts'
import type { Caller } from '../../../server/core/authorise.ts'
import { hiddenWords } from './oracle.ts'
import type { WorldCaller } from './things.ts'
import type { World } from './world.ts'

/** What was asked, and what came back. */
export interface Asked {
  readonly id: OperationId
  readonly path: string
  readonly status: number
  readonly headers: readonly string[]
  readonly text: string
}

export interface Prober {
  readonly world: World
  readonly caller: Caller
  readonly surface: 'api' | 'worker' | 'registrar'
  /** The words that no answer to the caller may hold, and what each would tell. */
  readonly hidden: ReadonlyMap<string, string>
  readonly report: (violation: string) => void
  readonly requests: () => number
  /** Sends the request and searches its answer. */
  ask(id: OperationId, path: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<Asked>
}

/** Signs the caller in, and searches all that he is answered. */
export async function startProber(
  url: string,
  world: World,
  { caller, key }: WorldCaller,
  report: (violation: string) => void,
): Promise<Prober> {
  const hidden = hiddenWords(world, caller)
  const forms = [...hidden].map(([word, what]) => ({ word, what, base64: base64Of(word) }))
  const token = key && (await tokenOf(url, key))
  let requests = 0
  const role = caller.grants[0]?.role
  return {
    world,
    caller,
    surface: role === 'worker' ? 'worker' : role === 'webhook-registrar' ? 'registrar' : 'api',
    hidden,
    report,
    requests: () => requests,
    ask: async (id, path, body, more = {}) => {
      requests += 1
      const sent = body === undefined ? undefined : JSON.stringify(body)
      const answer = await fetch(`${url}${path}`, {
        method: operations[id].method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
          ...more,
        },
        ...(sent === undefined ? {} : { body: sent }),
      })
      const text = await answer.text()
      // What the caller sent himself tells him nothing when it comes back.
      const known = `${decodeURIComponent(path)} ${sent ?? ''}`
      const shown = `${text} ${[...answer.headers].join(' ')}`
      for (const { word, what, base64 } of forms) {
        if ((shown.includes(word) || shown.includes(base64)) && !known.includes(word)) {
          report(`${id} ${path.slice(0, 90)} (${answer.status}) shows ${what}`)
        }
      }
      if (answer.status >= 500 && answer.status !== 502) report(`${id} ${path} is answered ${answer.status}`)
      const headers = [...answer.headers.keys()].filter((name) => !varying.has(name)).sort()
      return { id, path, status: answer.status, headers, text }
    },
  }
}

const varying = new Set(['date', 'x-request-id', 'etag', 'connection', 'keep-alive'])

/** Bodies that would succeed: a check that is left out is then seen by what it lets happen. */
const bodies: Partial<Record<OperationId, object>> = {
  updateSpace: { description: 'changed' },
  updateIntegration: { description: 'changed' },
  updateStack: { description: 'changed' },
  updateModule: { description: 'changed' },
  updateVcsAgentPool: { description: 'changed' },
  updateUser: { name: 'changed' },
  updateApiKey: { name: 'changed' },
  testIntegration: {},
  createSpace: { name: 'made' },
  createIntegration: { name: 'made', apiHost: 'https://bitbucket.example.com', accessToken: 'x' },
  createStack: { name: 'made', branch: 'main' },
  createModule: { name: 'made', branch: 'main' },
  createVcsAgentPool: { name: 'made' },
  createApiKey: { name: 'made', role: 'worker' },
  createUser: { name: 'made' },
  testConnection: { apiHost: 'https://bitbucket.example.com', accessToken: 'x' },
  attachStack: { projectKey: 'PROJECT', repositorySlug: 'repository' },
  replaceAttachment: { projectKey: 'PROJECT', repositorySlug: 'repository' },
  attachModule: { projectKey: 'PROJECT', repositorySlug: 'repository' },
  replaceModuleAttachment: { projectKey: 'PROJECT', repositorySlug: 'repository' },
  reportRegistration: {
    projectKey: 'PROJECT',
    repositorySlug: 'repository',
    repositoryId: 8,
    webhookId: null,
    secretVersion: 1,
    observed: 'missing',
    managedBy: 'service',
  },
}

/** Whether the caller’s kind of token reaches the operation at all. */
export function isOnSurface({ caller, surface }: Prober, { permission }: Operation): boolean {
  return caller.kind === 'anonymous' || permission === 'anyone' || surfacesOf(permission).includes(surface)
}

/** A body with which the operation would succeed. */
export function bodyOf(id: OperationId, operation: Operation): Record<string, unknown> | undefined {
  if (!operation.body) return undefined
  const example = apiExamples.find((other) => other.operation === id)?.body
  return { ...((bodies[id] ?? example ?? {}) as object) }
}

const factsOf = operationFacts(operations)

/** What makes a write depend on what is there, and on what was asked before; as far as the operation takes it. */
export function conditions(id: OperationId): Readonly<Record<string, string>> {
  const facts = factsOf.get(id)
  return {
    ...(facts?.takesIfMatch ? { 'if-match': '"stale"' } : {}),
    ...(facts?.takesIdempotencyKey ? { 'idempotency-key': randomUUID() } : {}),
  }
}

/** Whether the answer is that of the decision (S20): allowed means anything but refused. */
export function judge(
  { id, path, status, text }: Asked,
  expected: 'allowed' | 'unauthenticated' | 'forbidden' | 'hidden',
  report: (violation: string) => void,
): void {
  const is = { unauthenticated: status === 401, forbidden: status === 403, hidden: status === 404 }
  const isRefused = status === 401 || status === 403
  const isMissing = status === 404 && !/"code":"(attachment_not_found)"/.test(text)
  const isRight = expected === 'allowed' ? !isRefused && !isMissing : is[expected]
  if (!isRight) report(`${id} ${path} is ${expected} and answered ${status} ${text.slice(0, 120)}`)
}

/** What is hidden is answered as what is absent, but for the id that was sent (S21). */
export function compare(
  hidden: Asked,
  id: string,
  absent: Asked,
  twin: string,
  report: (violation: string) => void,
): void {
  const of = ({ status, headers, text }: Asked, sent: string) =>
    `${status} ${headers.join()} ${text.replaceAll(sent, '<id>')}`
  const [one, other] = [of(hidden, id), of(absent, twin)]
  if (one !== other)
    report(`${hidden.id} ${hidden.path} tells hidden from absent: ${one.slice(0, 300)} | ${other.slice(0, 300)}`)
}

/** As it stands in whatever encodes it from its first letter on. */
function base64Of(word: string): string {
  return Buffer.from(word).toString('base64').replace(/=+$/, '').slice(0, -1)
}

async function tokenOf(url: string, key: { readonly keyId: string; readonly keySecret: string }): Promise<string> {
  const answer = await fetch(`${url}/api/v1/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(key),
  })
  return ((await answer.json()) as { token: string }).token
}
