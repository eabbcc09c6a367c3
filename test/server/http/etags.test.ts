import { describe, expect, test } from 'vitest'
import { type OperationId, operations } from '../../../schemas/api.ts'
import type { Operation } from '../../../schemas/operation.ts'
import { operationFacts } from '../../../schemas/operation-facts.ts'
import { ProblemDocument } from '../../../schemas/problem.ts'
import { databases } from '../../support/databases.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

const facts = operationFacts(operations)
/** Changes before deletions, and attachments before what they hang on: one world is enough for all. */
const conditional = (Object.entries(operations) as [OperationId, Operation][])
  .filter(([id]) => facts.get(id)?.takesIfMatch)
  .sort(([, a], [, b]) => orderOf(a) - orderOf(b))

for (const database of databases) {
  describe(database.name, () => {
    test('R203 an object comes with its ETag, when it is made, read and changed', async () => {
      const server = await startTestServer(database)

      const made = await server.request('POST', '/api/v1/spaces', { body: { name: 'Platform' } })
      const read = await server.request('GET', '/api/v1/spaces/platform')
      const changed = await server.request('PATCH', '/api/v1/spaces/platform', { body: { description: 'd' } })
      const again = await server.request('GET', '/api/v1/spaces/platform')

      const tags = [made, read, changed, again].map(({ headers }) => headers.get('etag'))
      expect(tags[0]).toMatch(/^"[\w-]{43}"$/)
      expect(tags[1]).toBe(tags[0])
      expect(tags[2]).not.toBe(tags[0])
      expect(tags[3]).toBe(tags[2])
    })

    test('R203 who holds the version already is told 304 without a body', async () => {
      const server = await startTestServer(database)
      const etag = (await server.request('GET', '/api/v1/spaces/root')).headers.get('etag') ?? ''

      for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const answer = await server.request('GET', '/api/v1/spaces/root', { headers: { 'if-none-match': tag } })
        expect([answer.status, answer.headers.get('etag'), await answer.text()], tag).toEqual([304, etag, ''])
      }
      const stale = await server.request('GET', '/api/v1/spaces/root', { headers: { 'if-none-match': '"x"' } })
      expect(stale.status).toBe(200)
    })

    test('R203 each change of an object with a stale If-Match is answered 412, and changes nothing', async () => {
      const server = await startTestServer(database)
      const ids = await fill(server, 'vcs')
      for (const [id, operation] of conditional) {
        const path = operation.path.replace('{id}', idFor(operation.path, ids))
        const body = bodyFor(operation, 'vcs')
        const query = operation.query && 'skipVerification' in operation.query.shape ? '?skipVerification=true' : ''
        const ask = (ifMatch: string) =>
          server.request(operation.method, `${path}${query}`, {
            ...(body ? { body } : {}),
            headers: { 'if-match': ifMatch },
          })

        const before = await server.request('GET', path)
        const stale = await ask('"stale"')
        const after = await server.request('GET', path)
        const present = await ask(after.headers.get('etag') ?? '')

        expect(before.status, path).toBe(200)
        expect([stale.status, await stale.text()], id).toEqual([412, expect.stringContaining('precondition_failed')])
        expect(await after.json()).toEqual(await before.json())
        expect(present.status, `${id}: ${await present.text()}`).toBe(operation.status)
      }
    }, 60_000)

    test('R203 without If-Match, and with *, a change is made whatever the version', async () => {
      const server = await startTestServer(database)
      await server.root.call('createSpace', { body: { name: 'Platform' } })
      const change = (headers = {}) =>
        server.request('PATCH', '/api/v1/spaces/platform', { body: { description: 'd' }, headers })

      expect((await change()).status).toBe(200)
      expect((await change({ 'if-match': '*' })).status).toBe(200)
    })

    test('R203 R204 an If-Match that would mean nothing is refused by name', async () => {
      const server = await startTestServer(database)
      const ask = async (method: string, path: string, ifMatch: string) => {
        const answer = await server.request(method, path, { body: { name: 'x' }, headers: { 'if-match': ifMatch } })
        return [answer.status, ProblemDocument.parse(await answer.json()).errors?.[0]?.pointer]
      }

      expect(await ask('PATCH', '/api/v1/spaces/root', 'unquoted')).toEqual([422, 'If-Match:'])
      expect(await ask('POST', '/api/v1/spaces', '"x"')).toEqual([422, 'If-Match:'])
    })

    test('R203 a dry run looks at the version too, and shows no ETag of what is not there', async () => {
      const server = await startTestServer(database)
      await server.root.call('createSpace', { body: { name: 'Platform' } })
      const path = '/api/v1/spaces/platform?dryRun=true'
      const body = { description: 'other' }

      const dry = await server.request('PATCH', path, { body })
      const stale = await server.request('PATCH', path, { body, headers: { 'if-match': '"stale"' } })

      expect([dry.status, dry.headers.get('etag'), stale.status]).toEqual([200, null, 412])
    })

    test('S21 an If-Match tells nobody whether a hidden object exists', async () => {
      const server = await startTestServer(database)
      await server.root.call('createSpace', { body: { name: 'Mine' } })
      await server.root.call('createSpace', { body: { name: 'Hidden' } })
      const key = await server.root.call('createApiKey', { body: { name: 'a', role: 'admin', spaceId: 'mine' } })
      const token = await server.token({ keyId: key.id, keySecret: key.secret })
      const ask = async (id: string) => {
        const answer = await server.request('PATCH', `/api/v1/spaces/${id}`, {
          token,
          body: { description: 'd' },
          headers: { 'if-match': '"x"' },
        })
        return (await answer.text()).replaceAll(id, '')
      }

      expect(await ask('hidden')).toBe(await ask('absent'))
    })

    test('S50 an answer with a secret has no ETag', async () => {
      const server = await startTestServer(database)
      await fill(server, 'vcs')

      const answers = [
        await server.request('POST', '/api/v1/api-keys', { body: { name: 'x', role: 'reader' } }),
        await server.request('POST', '/api/v1/token', {
          token: null,
          body: { keyId: server.rootKey.keyId, keySecret: server.rootKey.keySecret },
        }),
        await server.request('GET', '/api/v1/integrations/vcs/webhook-credentials'),
        await server.request('GET', '/api/v1/webhook-targets'),
      ]

      expect(answers.map(({ status, headers }) => [status < 300, headers.get('etag')])).toEqual(
        answers.map(() => [true, null]),
      )
    })

    test('R15 of twenty writers with the same version one changes the object, and the others are told', async () => {
      const server = await startTestServer(database)
      await server.root.call('createSpace', { body: { name: 'Platform' } })
      const { etag = '' } = await server.root.callWithEtag('getSpace', { params: { id: 'platform' } })

      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, writer) => writeAll(server, writer, etag).then(() => writer, codeOf)),
      )

      const winners = outcomes.filter((outcome) => typeof outcome === 'number')
      expect(winners).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome === 'precondition_failed')).toHaveLength(19)
      const space = await server.root.call('getSpace', { params: { id: 'platform' } })
      expect(fieldsOf(space)).toEqual(fieldsBy(winners[0] ?? -1))
    })

    test('R15 twenty writers without a version never mix their fields', async () => {
      const server = await startTestServer(database)
      await server.root.call('createSpace', { body: { name: 'Platform' } })

      for (let round = 0; round < 2; round++) {
        const seen: unknown[] = []
        const writers = Array.from({ length: 20 }, (_, writer) => writeAll(server, writer))
        for (let reads = 0; reads < 10; reads++) {
          seen.push(fieldsOf(await server.root.call('getSpace', { params: { id: 'platform' } })))
        }
        const answers = await Promise.all(writers)

        const last = fieldsOf(await server.root.call('getSpace', { params: { id: 'platform' } }))
        const whole = Array.from({ length: 20 }, (_, writer) => fieldsBy(writer))
        for (const one of [...seen.slice(round === 0 ? 1 : 0), last]) {
          if ((one as { name: string }).name !== 'Platform') expect(whole).toContainEqual(one)
        }
        answers.forEach((space, writer) => {
          expect(fieldsOf(space)).toEqual(fieldsBy(writer))
        })
      }
    })

    test('R15 twenty writers that read, change and try again lose no change', async () => {
      const server = await startTestServer(database)
      await server.root.call('createSpace', { body: { name: 'Platform' } })
      const params = { id: 'platform' }
      const addLabel = async (label: string): Promise<void> => {
        const { answer, etag = '' } = await server.root.callWithEtag('getSpace', { params })
        const labels = [...answer.labels, label]
        await server.root
          .call('updateSpace', { params, query: {}, body: { labels } }, { ifMatch: etag })
          .catch(async (error: unknown) => {
            if (codeOf(error) !== 'precondition_failed') throw error
            await addLabel(label)
          })
      }

      await Promise.all(Array.from({ length: 20 }, (_, writer) => addLabel(`writer ${writer}`)))

      const { labels } = await server.root.call('getSpace', { params })
      expect([...labels].sort()).toEqual(Array.from({ length: 20 }, (_, writer) => `writer ${writer}`).sort())
    }, 30_000)
  })
}

function orderOf({ method, path }: Operation): number {
  return method === 'DELETE' ? (path.includes('/attachment') ? 1 : 2) : 0
}

function fieldsBy(writer: number) {
  return { name: `Writer ${writer}`, description: `by ${writer}`, labels: [`l${writer}`], inheritEntities: true }
}

function fieldsOf(space: ReturnType<typeof fieldsBy>) {
  const { name, description, labels, inheritEntities } = space
  return { name, description, labels, inheritEntities }
}

async function writeAll(server: TestServer, writer: number, etag?: string) {
  const { space } = await server.root.call(
    'updateSpace',
    { params: { id: 'platform' }, query: {}, body: fieldsBy(writer) },
    etag === undefined ? {} : { ifMatch: etag },
  )
  return space
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}

/** Makes one of everything, named after `name`, and gives the ids by the word in their paths. */
async function fill({ root }: TestServer, name: string): Promise<ReadonlyMap<string, string>> {
  await root.call('createSpace', { body: { name } })
  await root.call('createIntegration', { body: { name, apiHost: 'https://bitbucket.invalid', accessToken: 'x' } })
  await root.call('createStack', { query: {}, body: { name: `${name} plain`, branch: 'main' } })
  await root.call('createStack', { query: {}, body: { name: `${name} attached`, branch: 'main' } })
  await root.call('attachStack', {
    params: { id: `${name}-attached` },
    query: { skipVerification: 'true' },
    body: { integrationId: name, projectKey: 'INFRA', repositorySlug: 'network' },
  })
  await root.call('createModule', { query: {}, body: { name: `${name} plain`, branch: 'main' } })
  await root.call('createModule', { query: {}, body: { name: `${name} attached`, branch: 'main' } })
  await root.call('attachModule', {
    params: { id: `${name}-attached` },
    query: { skipVerification: 'true' },
    body: { integrationId: name, projectKey: 'INFRA', repositorySlug: 'network' },
  })
  const user = await root.call('createUser', { body: { name } })
  const key = await root.call('createApiKey', { body: { name, role: 'reader' } })
  await root.call('createVcsAgentPool', { body: { name } })
  return new Map([
    ['/attachment', `${name}-attached`],
    ['/spaces/', name],
    ['/integrations/', name],
    ['/stacks/', `${name}-plain`],
    ['/modules/', `${name}-plain`],
    ['/users/', user.id],
    ['/api-keys/', key.id],
    ['/vcs-agent-pools/', name],
  ])
}

function idFor(path: string, ids: ReadonlyMap<string, string>): string {
  const found = [...ids].find(([word]) => path.includes(word))
  if (!found) throw new Error(`Make one of what lies at ${path}, so that its If-Match is tested.`)
  return found[1]
}

function bodyFor({ method, path }: Operation, name: string): object | undefined {
  if (method === 'DELETE') return undefined
  if (path.includes('/attachment')) {
    return { integrationId: name, projectKey: 'INFRA', repositorySlug: 'network' }
  }
  return path.includes('/users/') || path.includes('/api-keys/') ? { name: 'Another' } : { description: 'another' }
}
