import { operations } from '../../schemas/api.ts'
import {
  type ApiExample,
  apiExamples,
  exampleBitbucket,
  exampleIds,
  exampleSecrets,
  exampleServer,
} from '../../schemas/api-examples.ts'
import type { Operation } from '../../schemas/operation.ts'
import { csrfHeaderName } from '../../schemas/session.ts'
import type { TestEmulator, TestRepository } from './emulator.ts'
import type { TestServer } from './server.ts'

/** One call of the story as it went. */
export interface Told {
  readonly example: ApiExample
  readonly status: number
  readonly answer: unknown
  /** The answer in the words of the story. */
  readonly inStory: unknown
}

export interface Stage {
  readonly server: TestServer
  readonly bitbucket: TestEmulator
  readonly repository: TestRepository
  readonly accessToken: string
}

/** Tells the whole story of the documentation to a real server, with real ids in place of those of the story. */
export async function tellStory(stage: Stage): Promise<Told[]> {
  const names = createNames(stage)
  const told: Told[] = []
  const browser: Browser = { cookie: '', csrfToken: '' }
  for (const example of apiExamples) {
    if (example.operation === 'listDeliveries') await push(stage)
    const operation: Operation = operations[example.operation]
    const response = await send(stage.server, operation, names.toReal(example), browser)
    const text = await response.text()
    const answer: unknown = text === '' ? undefined : JSON.parse(text)
    keepSession(browser, response, answer)
    for (const [path, id] of Object.entries(example.names ?? {})) names.set(id, String(valueAt(answer, path)))
    told.push({ example, status: response.status, answer, inStory: names.toStory(answer) })
  }
  return told
}

interface StoryNames {
  set(inStory: string, real: string): void
  toReal<Value>(value: Value): Value
  /** Also gives what differs from telling to telling the values of the story. */
  toStory(value: unknown): unknown
}

function createNames({ bitbucket, server, accessToken }: Stage): StoryNames {
  const real = new Map<string, string>([
    [exampleBitbucket, bitbucket.url],
    [exampleIds.apiKey, server.rootKey.keyId],
    [exampleSecrets.apiKey, server.rootKey.keySecret],
    [exampleSecrets.bitbucketToken, accessToken],
    ['Root admin', 'test root'],
  ])
  const replace = (value: unknown, pairs: readonly (readonly [string, string])[]): unknown =>
    JSON.parse(pairs.reduce((text, [from, to]) => text.replaceAll(from, to), JSON.stringify(value ?? null)))
  return {
    set: (inStory, found) => void real.set(inStory, found),
    toReal: (value) => replace(value, [...real]) as typeof value,
    toStory: (value) =>
      steady(
        replace(
          value,
          [...real].map(([inStory, found]) => [found, inStory] as const),
        ),
      ),
  }
}

const times = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const known = new Set<string>(Object.values(exampleIds))

/** Times, ids, commits and secrets that no call of the story names are the same in every telling. */
function steady(value: unknown, name = ''): unknown {
  if (typeof value === 'string') {
    if (times.test(value)) return '2026-03-02T09:00:00.000Z'
    if (/^(secret|webhookSecret|csrfToken|token)$/.test(name)) return 'shown-once-and-kept-by-the-caller'
    return value
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) =>
        known.has(id) ? id : '0190f3a0-0000-7000-8000-000000000000',
      )
      .replace(/\b[0-9a-f]{40}\b/g, '6f1d2c3b4a5968778695a4b3c2d1e0f9a8b7c6d5')
  }
  if (Array.isArray(value)) return value.map((item) => steady(item, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, steady(part, key)]))
}

/** The cookie and the CSRF token of the browser that signs in. */
interface Browser {
  cookie: string
  csrfToken: string
}

function send(server: TestServer, operation: Operation, example: ApiExample, browser: Browser): Promise<Response> {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(example.params?.[name] ?? ''),
  )
  const query = new URLSearchParams(
    Object.entries(example.query ?? {}).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, String(one)]),
    ),
  ).toString()
  const needsBrowser = operation.permission === 'session' || example.operation === 'createSession'
  return server.request(operation.method, `${path}${query === '' ? '' : `?${query}`}`, {
    ...(example.body === undefined ? {} : { body: example.body }),
    ...(needsBrowser || operation.permission === 'anyone' || operation.permission === 'sign-in' ? { token: null } : {}),
    ...(needsBrowser
      ? {
          headers: {
            origin: exampleServer,
            'sec-fetch-site': 'same-origin',
            'content-type': 'application/json',
            ...(browser.cookie === '' ? {} : { cookie: browser.cookie, [csrfHeaderName]: browser.csrfToken }),
          },
        }
      : {}),
  })
}

function keepSession(browser: Browser, response: Response, answer: unknown): void {
  const cookie = response.headers.get('set-cookie')?.split(';')[0]
  if (cookie !== undefined) browser.cookie = cookie
  if (typeof answer === 'object' && answer !== null && 'csrfToken' in answer)
    browser.csrfToken = String(answer.csrfToken)
}

/** Somebody pushes to the story's repository, whose webhook points to the server. */
async function push({ server, bitbucket, repository }: Stage): Promise<void> {
  const id = 'company-bitbucket'
  const { url, secret } = await server.root.call('readWebhookCredentials', { params: { id } })
  await bitbucket.createWebhook(repository, {
    name: 'Mooring',
    url: url.replace(exampleServer, server.url),
    events: ['repo:refs_changed'],
    active: true,
    configuration: { secret },
  })
  await repository.push({ files: { 'live/network/main.tf': '# changed' } })
  for (let tries = 0; tries < 200; tries++) {
    const { items } = await server.root.call('listDeliveries', { params: { id }, query: { state: 'processed' } })
    if (items.some(({ runIds }) => runIds.length > 0)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('The push of the story made no run.')
}

function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value)
}
