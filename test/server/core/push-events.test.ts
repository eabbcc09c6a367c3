import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { webhookEvents } from '../../../schemas/webhook.ts'
import { pushEventKey, readDelivery } from '../../../server/core/push-events.ts'
import { needs, sharedPath } from '../../support/left-out.ts'

const from = 'a'.repeat(40)
const to = 'b'.repeat(40)
const none = '0'.repeat(40)

const repository = { id: 42, slug: 'infrastructure', project: { key: 'PLAT' } }

function change(type: string, branch: string, fromHash: string, toHash: string) {
  const id = `refs/heads/${branch}`
  return { ref: { id, displayId: branch, type: 'BRANCH' }, refId: id, fromHash, toHash, type }
}

function pushBody(changes: readonly unknown[]) {
  return { eventKey: pushEventKey, date: '2026-01-05T08:00:00+0000', actor: { name: 'ada' }, repository, changes }
}

function read(body: unknown, headerKey: string = pushEventKey) {
  return readDelivery(headerKey, Buffer.from(JSON.stringify(body)))
}

describe('pushes', () => {
  test('R50 an updated and an added branch are two pushes of one repository', () => {
    const body = pushBody([change('UPDATE', 'main', from, to), change('ADD', 'feature/a', none, to)])

    expect(read(body)).toEqual({
      kind: 'push',
      eventKey: pushEventKey,
      repository: { id: 42, projectKey: 'PLAT', repositorySlug: 'infrastructure' },
      pushes: [
        { branch: 'main', fromHash: from, toHash: to, kind: 'update' },
        { branch: 'feature/a', fromHash: null, toHash: to, kind: 'add' },
      ],
      ignored: [],
    })
  })

  test.for([
    {
      name: 'a tag',
      entry: { ...change('ADD', 'x', none, to), ref: { id: 'refs/tags/v1', type: 'TAG' } },
      kind: 'tag',
    },
    {
      name: 'a deleted tag',
      entry: { ...change('DELETE', 'x', from, none), ref: { id: 'refs/tags/v1', type: 'TAG' } },
      kind: 'tag',
    },
    { name: 'a deleted branch', entry: change('DELETE', 'main', from, none), kind: 'delete' },
    { name: 'an update to the null hash', entry: change('UPDATE', 'main', from, none), kind: 'delete' },
    {
      name: 'a ref of a kind to come',
      entry: { ...change('ADD', 'x', none, to), ref: { id: 'refs/notes/x', type: 'NOTE' } },
      kind: 'other',
    },
    { name: 'a change of a kind to come', entry: change('RENAME', 'main', from, to), kind: 'other' },
  ])('R50 $name is no push', ({ entry, kind }) => {
    expect(read(pushBody([entry]))).toMatchObject({ kind: 'push', pushes: [], ignored: [kind] })
  })

  test('R50 an update from the null hash is a new branch', () => {
    expect(read(pushBody([change('UPDATE', 'main', none, to)]))).toMatchObject({
      pushes: [{ branch: 'main', fromHash: null, kind: 'add' }],
    })
  })

  test('R38 dates may be numbers or texts, and unknown fields are passed over', () => {
    const body = { ...pushBody([change('UPDATE', 'main', from, to)]), date: 1767600000000, added: { later: [1] } }

    expect(read(body)).toMatchObject({ kind: 'push' })
  })

  test('R50 hashes of SHA-256 repositories are read', () => {
    const long = 'c'.repeat(64)

    expect(read(pushBody([change('UPDATE', 'main', long, long)]))).toMatchObject({ pushes: [{ toHash: long }] })
  })
})

describe('other events', () => {
  test.for(webhookEvents.map(({ key }) => key).filter((key) => key !== pushEventKey))(
    'R38 %s is no push',
    (eventKey) => {
      expect(read({ eventKey, pullRequest: {} }, eventKey)).toEqual({ kind: 'other', eventKey })
    },
  )

  test('R38 an unknown event is read as such', () => {
    expect(read({ eventKey: 'repo:frobnicated' }, 'repo:frobnicated')).toEqual({
      kind: 'other',
      eventKey: 'repo:frobnicated',
    })
  })
})

describe('the event key', () => {
  test.for(webhookEvents.map(({ key }) => key).filter((key) => key !== pushEventKey))(
    'S1 a signed push under the header %s is unreadable',
    (header) => {
      expect(read(pushBody([change('UPDATE', 'main', from, to)]), header)).toMatchObject({
        kind: 'unreadable',
        reason: 'key_mismatch',
        pointer: '/eventKey',
      })
    },
  )

  test('S1 a body with two event keys is unreadable', () => {
    const body = `{"eventKey":"pr:opened",${JSON.stringify(pushBody([])).slice(1)}`

    expect(readDelivery(pushEventKey, Buffer.from(body))).toMatchObject({ kind: 'unreadable', pointer: '/eventKey' })
  })

  test('R42 the header counts for a body without an event key', () => {
    const { eventKey: _, ...body } = pushBody([change('UPDATE', 'main', from, to)])

    expect(read(body)).toMatchObject({ kind: 'push', pushes: [{ branch: 'main' }] })
    expect(read(body, 'pr:opened')).toEqual({ kind: 'other', eventKey: 'pr:opened' })
  })

  test('R42 a delivery without the header is read by its body', () => {
    expect(read(pushBody([]), '')).toMatchObject({ kind: 'push', eventKey: pushEventKey })
  })
})

describe('unreadable bodies', () => {
  const good = change('UPDATE', 'main', from, to)
  test.for([
    { pointer: '', body: [] },
    { pointer: '', body: null },
    { pointer: '/eventKey', body: { eventKey: 7 } },
    { pointer: '/repository', body: { ...pushBody([]), repository: undefined } },
    { pointer: '/repository/id', body: { ...pushBody([]), repository: { ...repository, id: '42' } } },
    { pointer: '/repository/id', body: { ...pushBody([]), repository: { ...repository, id: 1e300 } } },
    { pointer: '/repository/slug', body: { ...pushBody([]), repository: { ...repository, slug: '../x' } } },
    { pointer: '/repository/slug', body: { ...pushBody([]), repository: { ...repository, slug: '..' } } },
    { pointer: '/repository/project', body: { ...pushBody([]), repository: { ...repository, project: [] } } },
    { pointer: '/repository/project/key', body: { ...pushBody([]), repository: { ...repository, project: {} } } },
    { pointer: '/changes', body: { ...pushBody([]), changes: {} } },
    { pointer: '/changes', body: pushBody(Array.from({ length: 10_001 }, () => good)) },
    { pointer: '/changes/1', body: pushBody([good, null]) },
    { pointer: '/changes/0/ref', body: pushBody([{ ...good, ref: undefined }]) },
    { pointer: '/changes/0/ref/type', body: pushBody([{ ...good, ref: { id: 'refs/heads/a' } }]) },
    { pointer: '/changes/0/ref/id', body: pushBody([{ ...good, ref: { id: 'main', type: 'BRANCH' } }]) },
    { pointer: '/changes/0/ref/id', body: pushBody([{ ...good, ref: { id: 'refs/heads/', type: 'BRANCH' } }]) },
    { pointer: '/changes/0/ref/id', body: pushBody([{ ...good, ref: { id: 'refs/heads/a\u0000b', type: 'BRANCH' } }]) },
    { pointer: '/changes/0/ref/id', body: pushBody([{ ...good, ref: { id: 'refs/heads/a..b', type: 'BRANCH' } }]) },
    { pointer: '/changes/0/toHash', body: pushBody([{ ...good, toHash: 'HEAD' }]) },
    { pointer: '/changes/0/toHash', body: pushBody([{ ...good, toHash: to.toUpperCase() }]) },
    { pointer: '/changes/0/fromHash', body: pushBody([{ ...good, fromHash: 'b'.repeat(41) }]) },
    { pointer: '/changes/0/type', body: pushBody([{ ...good, type: undefined }]) },
  ])('R33 a push is unreadable at "$pointer"', ({ pointer, body }) => {
    expect(read(body)).toMatchObject({ kind: 'unreadable', reason: 'malformed', pointer })
  })

  test('R33 a prototype is no field', () => {
    const body = Buffer.from(`{"__proto__":${JSON.stringify(pushBody([]))},"eventKey":"${pushEventKey}"}`)

    expect(readDelivery(pushEventKey, body)).toMatchObject({ kind: 'unreadable', pointer: '/repository' })
  })

  test('R33 whatever the bytes, they are read or named unreadable', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(['push', 'other', 'unreadable']).toContain(readDelivery(pushEventKey, bytes).kind)
        },
      ),
    )
  })

  test('R33 a changed value anywhere in a push is read or named, never thrown', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(9), (value, place) => {
        const body = structuredClone(pushBody([good])) as Record<string, unknown>
        const keys = Object.keys(body)
        body[keys[place % keys.length] ?? 'changes'] = value
        expect(['push', 'other', 'unreadable']).toContain(read(body).kind)
      }),
    )
  })
})

needs('shared')('public webhook bodies', () => {
  function fixtures(): readonly { readonly name: string; readonly body: Buffer }[] {
    const folder = sharedPath('reference', 'payloads')
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json') && name !== 'manifest.json')
      .map((name) => ({ name, body: readFileSync(join(folder, name)) }))
  }

  test('R50 every collected push is read', () => {
    const pushes = fixtures().filter(({ name }) => name.startsWith('repo_refs_changed'))

    const summaries = pushes.map(({ name, body }) => {
      const delivery = readDelivery('', body)
      if (delivery.kind !== 'push') return `${name}: ${JSON.stringify(delivery)}`
      const { id, projectKey, repositorySlug } = delivery.repository
      const branches = delivery.pushes.map((push) => `${push.kind} ${push.branch}`)
      return [id, projectKey, repositorySlug, ...branches, ...delivery.ignored].join(' ')
    })

    expect(summaries.sort()).toEqual([
      '1684 DEV deployment-automation update renovate-all',
      '2 AMUNIZ test-repos delete',
      '2 AMUNIZ test-repos tag',
      '4 ~gopher webhook-test delete',
      '656 MYPROJECT test-repo update master',
    ])
  })

  test('R38 every other collected event ends as no push, and none as unreadable', () => {
    const kinds = fixtures()
      .filter(({ name }) => !name.startsWith('repo_refs_changed') && !name.startsWith('diagnostics_ping'))
      .map(({ name, body }) => `${readDelivery('', body).kind} ${name}`)

    expect(kinds.filter((kind) => !kind.startsWith('other '))).toEqual([])
    expect(kinds.length).toBeGreaterThan(20)
  })
})
