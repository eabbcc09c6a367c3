import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { differences } from '../../emulator/differences.ts'
import type { Exchange } from '../../emulator/handler.ts'
import { operations } from '../../emulator/operations.ts'
import { startReceiver, startTestEmulator } from '../support/emulator.ts'
import { fixtures, missingFrom, partOf, readFixture, readPayload } from './support/fixtures.ts'
import { createOpenApiCheck, isReferenceAtHand, reference } from './support/openapi-check.ts'
import { callEverything } from './support/scenario.ts'

const where = isReferenceAtHand ? '' : ' (left out: ../shared, which has Atlassian’s OpenAPI, is not here)'

/** Every answer of a walk through all operations, with what the check found. */
async function walk() {
  const check = createOpenApiCheck()
  const exchanges: Exchange[] = []
  const receiver = await startReceiver()
  const observe = (exchange: Exchange) => {
    exchanges.push(exchange)
    check.check(exchange)
  }
  const emulator = await startTestEmulator({ observe })
  await callEverything(emulator, receiver.url)
  const newer = await startTestEmulator({ observe, version: '10.4.2' })
  await callEverything(newer, receiver.url)
  const limited = await startTestEmulator({ observe, rateLimit: { capacity: 1, fillRate: 0.01 } })
  await limited.rest('GET', '/rest/api/latest/users')
  await limited.rest('GET', '/rest/api/latest/users')
  return { check, exchanges }
}

describe.runIf(isReferenceAtHand)(`against Atlassian’s OpenAPI for 9.4 and the public fixtures${where}`, () => {
  test('every operation answers as it is declared, or a known difference says why not', async () => {
    const { check, exchanges } = await walk()

    const succeeded = new Set(exchanges.filter(({ status }) => status < 300).map(({ operation }) => operation))
    const unchecked = operations.map(({ method, path }) => `${method} ${path}`).filter((row) => !succeeded.has(row))
    console.log(
      `${operations.length} operations, ${check.seen.size} operations × statuses, ${exchanges.length} answers`,
    )
    expect(check.problems).toEqual([])
    expect(unchecked).toEqual([])
    expect(differences.filter(({ what }) => !check.met.has(what)).map(({ what }) => what)).toEqual([])

    const lacking = fixtures.flatMap(({ file, answer, part, except }) => {
      const candidates = exchanges.filter(({ operation, status }) => `${operation} ${status}` === answer)
      const found = candidates.map(({ body }) =>
        missingFrom(partOf(readFixture(file), part), partOf(body, part), except),
      )
      const best = found.sort((left, right) => left.length - right.length)[0]
      return best === undefined ? [`${file}: no answer to ${answer}`] : best.map((problem) => `${file}: ${problem}`)
    })
    expect(lacking).toEqual([])
  })

  test('every row of the table names the operation that the OpenAPI has for it', () => {
    const check = createOpenApiCheck()

    const wrong = operations
      .filter(({ source }) => source.startsWith('SPEC '))
      .filter(({ method, path, source }) => {
        const named = source.slice('SPEC '.length).split(';')[0]
        return check.operationId(method, path.replace(/^\/rest/, '')) !== named
      })
    expect(wrong.map(({ method, path }) => `${method} ${path}`)).toEqual([])
  })

  test('the check refuses a key that is not declared, a wrong type and a status that is not declared', () => {
    const check = createOpenApiCheck()

    check.check({
      operation: 'GET /rest/api/latest/projects/{projectKey}',
      status: 200,
      body: { key: 'A', owners: [] },
    })
    check.check({ operation: 'GET /rest/api/latest/projects/{projectKey}', status: 200, body: { key: 1 } })
    check.check({ operation: 'GET /rest/api/latest/projects/{projectKey}', status: 418, body: {} })

    expect(check.problems).toHaveLength(3)
    expect(missingFrom({ a: 1, b: [{ c: 'x' }] }, { a: '1', b: [{ d: 'x' }] })).toHaveLength(2)
    expect(missingFrom({ a: null, b: [{ c: 'x' }] }, { a: '1', b: [{ c: 'y', e: 1 }] })).toEqual([])
  })

  test('deliveries have the keys and types of the public ones', async () => {
    const emulator = await startTestEmulator()
    const receiver = await startReceiver()
    await emulator.createUser('gopher')
    await emulator.createUser('tester')
    const repository = await emulator.createRepository('PRJ', 'infra')
    const personal = await emulator.createRepository('~gopher', 'own')
    await emulator.rest('PUT', '/rest/api/latest/projects/PRJ', { body: { description: 'Infrastructure' } })
    const subscribed = { url: receiver.url, events: ['repo:refs_changed', 'repo:modified'] }
    const sent = async (act: () => Promise<unknown>) => {
      await act()
      await emulator.idle()
      return JSON.parse(receiver.received.at(-1)?.body.toString('utf8') ?? '')
    }
    await emulator.createWebhook(repository, subscribed)
    await emulator.createWebhook(personal, subscribed)

    await repository.push({ branch: 'main' })
    await personal.push({ branch: 'main' })
    await personal.push({ branch: 'gone' })
    await repository.push({ branch: 'gone' })
    const pushed = await sent(() => repository.push())
    const deleted = await sent(() => repository.git('push', '--quiet', 'origin', ':gone'))
    const deletedPersonal = await sent(() => personal.git('push', '--quiet', 'origin', ':gone'))
    await repository.git('tag', 'v1')
    const tagged = await sent(() => repository.git('push', '--quiet', 'origin', 'v1'))
    const renamed = await sent(() => emulator.rest('PUT', personal.path, { body: { name: 'new' } }))

    const expected = (file: string, body: unknown) => expect(missingFrom(readPayload(file), body), file).toEqual([])
    expected('repo_refs_changed__argoproj_argo-cd__bitbucket-server-event.json', pushed)
    expected('repo_refs_changed__woodpecker-ci_woodpecker__HookPush.json', pushed)
    expected('repo_refs_changed__go-playground_webhooks__repo-refs-changed.json', deletedPersonal)
    expected('repo_refs_changed__jenkinsci_bitbucket-branch-source-plugin__branch_deleted.json', deleted)
    expected('repo_refs_changed__jenkinsci_bitbucket-branch-source-plugin__tag_created.json', tagged)
    expected('repo_modified__go-playground_webhooks__repo-modified.json', renamed)
    expect(renamed).not.toHaveProperty('repository')
  })

  test('signs the bytes of real deliveries as the public vectors say', async () => {
    const emulator = await startTestEmulator()
    const receiver = await startReceiver()
    const repository = await emulator.createRepository('PRJ', 'infra')
    const vectors = JSON.parse(readFileSync(join(reference, 'golden/signatures.json'), 'utf8'))

    for (const vector of vectors) {
      await emulator.emulator.deliveries.sendNow({
        webhookId: null,
        scope: { kind: 'repository', id: repository.id },
        url: receiver.url,
        event: vector.eventKey ?? 'repo:push',
        body: readFileSync(join(reference, 'golden', vector.file), 'utf8'),
        secret: vector.secret,
        credentials: null,
        isSslVerificationRequired: true,
      })
      expect(receiver.received.at(-1)?.headers['x-hub-signature'], vector.file).toBe(vector['X-Hub-Signature'])
    }
    expect(vectors.length).toBeGreaterThan(5)
  })
})
