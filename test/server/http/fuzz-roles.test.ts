import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { ProblemDocument, problems } from '../../../schemas/problem.ts'
import { type ArbitraryRequest, arbitraryRequest, type ExistingIds } from '../../support/api-requests.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

const seed = 20_261_124
const requestsPerOperation = process.env.MOORING_TEST_LONG === '1' ? 150 : 14
const deadlineMs = 10_000
/** The problems that say that path, query or body are not valid; every other answer passed their validation. */
const refusals = new Set(['invalid_request', 'malformed_request', 'route_not_found', 'unsupported_media_type'])
/** A server error that has a name: something beyond the server is missing. */
const named = new Set(['bitbucket_unreachable', 'vcs_agent_unavailable', 'database_unavailable'])

/** Whoever signs in or out changes who sends the other requests. */
const apart: readonly OperationId[] = ['createToken', 'createSession', 'deleteSession', 'getSession']

/** A small account with a caller of each role. */
async function makeAccount({ root, token }: TestServer) {
  const ids: Record<string, string[]> = { spaceId: ['root'], parentId: ['root'] }
  for (const slug of ['platform', 'payments']) {
    await root.call('createSpace', { body: { name: slug, slug, inheritEntities: true } })
    ids.spaceId?.push(slug)
  }
  ids['id:/api/v1/spaces/{id}'] = ['root', 'platform', 'payments']
  for (const [name, spaceId] of [['One', 'platform'] as const, ['Two', 'payments'] as const]) {
    const body = { name, spaceId, apiHost: 'https://bitbucket.invalid', accessToken: 'a-token' }
    const { id } = await root.call('createIntegration', { body })
    ids.integrationId = [...(ids.integrationId ?? []), id]
    const stack = await root.call('createStack', {
      query: {},
      body: { name: `Stack ${name}`, spaceId, branch: 'main' },
    })
    ids.stackId = [...(ids.stackId ?? []), stack.id]
  }
  for (const path of Object.values(operations).map((operation) => operation.path)) {
    if (path.startsWith('/api/v1/integrations/{id}')) ids[`id:${path}`] = ids.integrationId ?? []
    if (path.startsWith('/api/v1/stacks/{id}')) ids[`id:${path}`] = ids.stackId ?? []
  }
  const callers: Record<string, string | null> = { nobody: null, root: await token() }
  for (const [name, role, spaceId] of [
    ['admin', 'admin', 'platform'],
    ['writer', 'writer', 'platform'],
    ['reader', 'reader', 'payments'],
    ['registrar', 'webhook-registrar', 'platform'],
    ['worker', 'worker', 'platform'],
  ] as const) {
    const key = await root.call('createApiKey', { body: { name, role, spaceId } })
    callers[name] = await token({ keyId: key.id, keySecret: key.secret })
  }
  return { ids: ids as ExistingIds, callers }
}

function addressOf(operation: Operation, { params, query }: ArbitraryRequest): string {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((params[name] ?? '').replace(/\p{Cs}/gu, '').slice(0, 300)),
  )
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      [value].flat().map((each): [string, string] => [name, String(each)]),
    ),
  ).toString()
  return search === '' ? path : `${path}?${search.slice(0, 4_000)}`
}

describe.for(databases)('$name', (database) => {
  test('R204 whatever callers of any role send is answered in time, by its documentation, and most of it is valid', {
    timeout: 600_000,
  }, async () => {
    const server = await startTestServer(database, { repositoryAccess: 'everything' })
    const { ids, callers } = await makeAccount(server)
    const roles = Object.keys(callers)
    const seen = { valid: 0, all: 0, succeeded: new Set<OperationId>(), wrong: [] as string[] }

    for (const id of (Object.keys(operations) as OperationId[]).filter((each) => !apart.includes(each))) {
      const operation: Operation = operations[id]
      const made = fc.sample(arbitraryRequest(id, ids), { numRuns: requestsPerOperation, seed })
      for (const [index, sent] of made.entries()) {
        // Every other request is the root admin's, so that most pass the roles, too.
        const role = index % 2 === 0 ? 'root' : (roles[(index >> 1) % roles.length] ?? 'root')
        const text = sent.body === undefined ? undefined : JSON.stringify(sent.body)
        const answer = await Promise.race([
          server.request(operation.method, addressOf(operation, sent), {
            token: callers[role] ?? null,
            ...(text === undefined ? {} : { text }),
          }),
          new Promise<never>((_, reject) => setTimeout(reject, deadlineMs, new Error(`${id} hangs: ${text}`)).unref()),
        ])
        const body = await answer.text()
        const problem = answer.status >= 400 ? ProblemDocument.parse(JSON.parse(body)) : undefined
        seen.all += 1
        if (!problem || !refusals.has(problem.code)) seen.valid += 1
        if (answer.ok) seen.succeeded.add(id)
        const isNamed = problem && named.has(problem.code) && problems[problem.code].status === answer.status
        if (answer.status >= 500 && !isNamed) seen.wrong.push(`${id} as ${role}: ${answer.status} ${text} ${body}`)
        if (answer.ok && answer.status !== operation.status) seen.wrong.push(`${id}: ${answer.status}`)
        if (answer.ok && operation.response && operation.response.safeParse(JSON.parse(body)).success === false) {
          seen.wrong.push(`${id}: the answer is not as documented: ${body.slice(0, 500)}`)
        }
      }
    }

    expect(seen.wrong).toEqual([])
    expect(seen.valid / seen.all).toBeGreaterThanOrEqual(0.4)
    // The others need a Bitbucket, or an object that comes of one.
    expect(seen.succeeded.size).toBeGreaterThanOrEqual(20)
    console.info(
      `${database.name}: ${seen.all} requests, ${Math.round((100 * seen.valid) / seen.all)} % valid, ${seen.succeeded.size} operations answered 2xx, seed ${seed}`,
    )
  })
})
