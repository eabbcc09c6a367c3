import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { printableChange } from '../../../clients/bitbucket/printable-change.ts'
import {
  fieldDrift,
  keptWebhook,
  webhookDrift,
  webhookFindings,
  webhookRemovals,
} from '../../../clients/bitbucket/webhook-drift.ts'
import type { ObservedWebhook } from '../../../clients/bitbucket/webhooks.ts'
import { endpoint, events, instanceId, secret, seen, wanted } from './webhook-samples.ts'

const mark = `mooring/${instanceId}/int1`
const byHand = { secret: 'other' }

function kinds(observed: readonly ObservedWebhook[], changes: Parameters<typeof wanted>[0] = {}) {
  return webhookDrift(wanted(changes), observed).map((change) =>
    change.kind === 'create' ? 'create' : `${change.kind} ${change.id}`,
  )
}

function bodyOf(observed: readonly ObservedWebhook[], changes: Parameters<typeof wanted>[0] = {}) {
  const change = webhookDrift(wanted(changes), observed)[0]
  if (!change || change.kind === 'delete') throw new Error('expected a write with a body')
  return change.body()
}

describe('decides what to write', () => {
  test.for<{ name: string; observed: ObservedWebhook[]; expected: string[] }>([
    { name: 'B1 creates a missing webhook', observed: [], expected: ['create'] },
    { name: 'B2 leaves a right one alone', observed: [seen()], expected: [] },
    { name: 'B2 ignores the order of events', observed: [seen({ events: [...events].reverse() })], expected: [] },
    {
      name: 'B2 ignores slash, case of the host and default port',
      observed: [seen({ url: 'https://MOORING.example.com:443/webhooks/bitbucket-datacenter/prod/?r=7' })],
      expected: [],
    },
    { name: 'B2 puts a missing ?r= right', observed: [seen({ url: endpoint })], expected: ['update 1'] },
    { name: 'B2 puts a wrong ?r= right', observed: [seen({ url: `${endpoint}?r=8` })], expected: ['update 1'] },
    {
      name: 'B4 repairs several drifts with one PUT',
      observed: [seen({ active: false, name: 'x', events: [], sslVerificationRequired: false })],
      expected: ['update 1'],
    },
    { name: 'B6 deletes duplicates', observed: [seen({ id: 4 }), seen({ id: 2 })], expected: ['delete 4'] },
    {
      name: 'B6 updates the oldest first and deletes the rest after it',
      observed: [seen({ id: 9 }), seen({ id: 5 }), seen({ id: 3, active: false })],
      expected: ['update 3', 'delete 5', 'delete 9'],
    },
    {
      name: 'B7 leaves the webhook of another integration alone',
      observed: [seen({ configuration: { createdBy: `mooring/${instanceId}/int2` } })],
      expected: ['create'],
    },
    {
      name: 'B7 leaves the webhook of another Mooring instance alone',
      observed: [seen({ configuration: { createdBy: 'mooring/0b6d6b0e-0000-4000-8000-000000000002/int1' } })],
      expected: ['create'],
    },
    {
      name: 'B7 leaves the webhook of another tool alone, even at our address',
      observed: [seen({ configuration: { createdBy: 'jenkins' } })],
      expected: ['create'],
    },
    { name: 'B8 adopts a webhook made by hand', observed: [seen({ configuration: byHand })], expected: ['update 1'] },
    {
      name: "B8 adopts a webhook made in Bitbucket's own form, which marks it as Bitbucket's",
      observed: [seen({ configuration: { createdBy: 'bitbucket' } })],
      expected: ['update 1'],
    },
    {
      name: 'B8 adopts a webhook without a configuration',
      observed: [seen({ configuration: undefined })],
      expected: ['update 1'],
    },
    {
      name: 'B9 takes another path on our host for foreign',
      observed: [
        seen({ url: 'https://mooring.example.com/webhooks/bitbucket-datacenter/prod2', configuration: byHand }),
      ],
      expected: ['create'],
    },
    {
      name: 'B10 takes another address under our name for foreign',
      observed: [seen({ url: 'https://ci.example.com/hook', configuration: {} })],
      expected: ['create'],
    },
    {
      name: 'S68 does not take our mark on a foreign address for ours',
      observed: [seen({ url: 'https://evil.example.com/hook?r=7' })],
      expected: ['create'],
    },
    {
      name: 'S68 does not take our address with a foreign parameter for ours',
      observed: [seen({ url: `${endpoint}?r=7&to=evil` })],
      expected: ['create'],
    },
  ])('$name', ({ observed, expected }) => {
    expect(kinds(observed)).toEqual(expected)
  })

  test('B6 ties each deletion to the update before it', () => {
    const changes = webhookDrift(wanted(), [seen({ id: 3, active: false }), seen({ id: 5 })])

    expect(changes).toMatchObject([
      { kind: 'update', id: 3 },
      { kind: 'delete', id: 5, after: 3, drift: ['duplicate'] },
    ])
  })

  test('B6 ties a deletion to nothing where the kept webhook is right', () => {
    expect(webhookDrift(wanted(), [seen(), seen({ id: 2 })])).toEqual([
      { kind: 'delete', id: 2, level: 'repository', drift: ['duplicate'], after: null },
    ])
  })

  test('B8 only reports a webhook made by hand where adopting is off, and makes no second one beside it', () => {
    const policy = { policy: { adopt: false } }
    const manual = seen({ configuration: byHand })

    expect(kinds([manual], policy)).toEqual([])
    expect(webhookFindings(wanted(policy), [manual])).toEqual([{ id: 1, kind: 'adopt' }])
    expect(keptWebhook(wanted(policy), [manual])).toBeUndefined()
  })

  test('B8 keeps and repairs a registered webhook without a mark where adopting is off', () => {
    expect(kinds([seen({ configuration: byHand })], { policy: { adopt: false }, registeredIds: [1] })).toEqual([
      'update 1',
    ])
  })

  test('B37 moves a registered webhook from a former endpoint in place', () => {
    const former = 'https://old.example.com/webhooks/bitbucket-datacenter/prod'
    const observed = [seen({ id: 12, url: `${former}/?r=7` })]

    expect(kinds(observed, { formerEndpoints: [former], registeredIds: [12] })).toEqual(['update 12'])
    expect(kinds(observed, { formerEndpoints: [former], registeredIds: [] })).toEqual(['create'])
    expect(kinds(observed, { formerEndpoints: [], registeredIds: [12] })).toEqual(['create'])
  })

  test('S68 a registered id on a foreign address is not ours', () => {
    const observed = [seen({ url: 'https://evil.example.com/x' })]

    expect(kinds(observed, { registeredIds: [1] })).toEqual(['create'])
    expect(webhookFindings(wanted({ registeredIds: [1] }), observed)).toEqual([{ id: 1, kind: 'unmanaged-lookalike' }])
  })

  test('a registered id at our own endpoint is ours whatever its mark became', () => {
    expect(kinds([seen({ configuration: { createdBy: 'jenkins' } })], { registeredIds: [1] })).toEqual(['update 1'])
  })
})

describe('names what differs', () => {
  test.for<{
    name: string
    observed: Partial<ObservedWebhook>
    changes?: Parameters<typeof wanted>[0]
    drift: string[]
  }>([
    { name: 'B3 nothing', observed: {}, drift: [] },
    { name: 'B3 url', observed: { url: endpoint }, drift: ['url'] },
    { name: 'B3 name', observed: { name: 'Mooring' }, drift: ['name'] },
    { name: 'B3 inactive', observed: { active: false }, drift: ['inactive'] },
    { name: 'B3 active although it should not be', observed: {}, changes: { active: false }, drift: ['inactive'] },
    { name: 'B3 events-missing', observed: { events: events.slice(1) }, drift: ['events-missing'] },
    { name: 'B58 keeps extra events', observed: { events: [...events, 'pr:declined'] }, drift: [] },
    {
      name: 'B58 B3 events-extra where the policy is exact',
      observed: { events: [...events, 'pr:declined'] },
      changes: { policy: { eventsPolicy: 'exact' } },
      drift: ['events-extra'],
    },
    { name: 'B3 ssl', observed: { sslVerificationRequired: false }, drift: ['ssl'] },
    {
      name: 'B3 ssl where it is off on purpose',
      observed: {},
      changes: { sslVerificationRequired: false },
      drift: ['ssl'],
    },
    {
      name: 'B3 an old Bitbucket that does not say',
      observed: { sslVerificationRequired: undefined },
      changes: { sslVerificationRequired: false },
      drift: [],
    },
    {
      name: 'B3 another secret',
      observed: { configuration: { secret: 'x', createdBy: mark, mooringSecretVersion: '3' } },
      drift: ['secret'],
    },
    {
      name: 'B3 a missing secret',
      observed: { configuration: { createdBy: mark, mooringSecretVersion: '3' } },
      drift: ['secret'],
    },
    {
      name: 'B3 another secret version',
      observed: { configuration: { secret, createdBy: mark, mooringSecretVersion: '2' } },
      drift: ['secret'],
    },
    {
      name: 'B3 a masked secret of the right version',
      observed: { configuration: { secret: '*****', createdBy: mark, mooringSecretVersion: '3' } },
      drift: [],
    },
    {
      name: 'B3 a masked secret of an older version',
      observed: { configuration: { secret: '•••', createdBy: mark, mooringSecretVersion: '2' } },
      drift: ['secret'],
    },
    {
      name: 'B3 a secret masked by dots of the right version',
      observed: { configuration: { secret: '•••', createdBy: mark, mooringSecretVersion: '3' } },
      drift: [],
    },
    {
      name: 'B12 no secret where none is wanted',
      observed: { configuration: { secret: '', createdBy: mark } },
      changes: { secret: undefined, secretVersion: undefined },
      drift: [],
    },
    {
      name: 'B3 a secret version where none is known',
      observed: {},
      changes: { secretVersion: undefined },
      drift: [],
    },
    {
      name: 'B3 a hidden secret of the right version',
      observed: { configuration: { createdBy: mark, mooringSecretVersion: '3' } },
      changes: { policy: { secretReadable: false } },
      drift: [],
    },
    {
      name: 'B12 a secret where none is wanted',
      observed: {},
      changes: { secret: '', secretVersion: '3' },
      drift: ['secret'],
    },
    { name: 'B3 adopt', observed: { configuration: { secret, mooringSecretVersion: '3' } }, drift: ['adopt'] },
    {
      name: 'B15 leaves a disabled one disabled',
      observed: { active: false },
      changes: { policy: { respectDisabled: true } },
      drift: [],
    },
    {
      name: 'B3 all at once, in one order',
      observed: {
        url: endpoint,
        name: '',
        active: false,
        events: [],
        sslVerificationRequired: false,
        configuration: {},
      },
      drift: ['url', 'name', 'inactive', 'events-missing', 'ssl', 'secret', 'adopt'],
    },
  ])('$name', ({ observed, changes, drift }) => {
    expect(fieldDrift(wanted(changes), seen(observed))).toEqual(drift)
  })

  test('a webhook without an integration needs no mark', () => {
    const desired = wanted({
      endpoint: `${endpoint}?r=7`,
      integrationName: undefined,
      instanceId: undefined,
      integrationId: undefined,
    })

    expect(
      fieldDrift(desired, seen({ name: 'Mooring', configuration: { secret, mooringSecretVersion: '3' } })),
    ).toEqual([])
    expect(webhookDrift(desired, [seen({ name: 'Mooring', configuration: byHand })])).toMatchObject([
      { kind: 'update', drift: ['secret'] },
    ])
  })
})

describe('writes whole bodies', () => {
  test('B1 a new webhook has the eight events, is active and marked', () => {
    expect(bodyOf([])).toEqual({
      name: 'Mooring Prod',
      url: `${endpoint}?r=7`,
      events: [
        'repo:refs_changed',
        'pr:opened',
        'pr:from_ref_updated',
        'pr:modified',
        'pr:reviewer:approved',
        'pr:reviewer:unapproved',
        'pr:merged',
        'pr:comment:added',
      ],
      active: true,
      sslVerificationRequired: true,
      configuration: { secret, createdBy: mark, mooringSecretVersion: '3' },
    })
  })

  test('B5 a replacement keeps what others configured, and what Bitbucket keeps to itself is not sent', () => {
    const observed = seen({
      active: false,
      createdDate: 1,
      updatedDate: 2,
      statistics: {},
      configuration: { createdBy: 'bitbucket', colour: 'blue', nested: { kept: [1, null] }, secret: 'old' },
      credentials: { username: 'jdoe' },
    })

    expect(bodyOf([observed])).toEqual({
      name: 'Mooring Prod',
      url: `${endpoint}?r=7`,
      events,
      active: true,
      sslVerificationRequired: true,
      configuration: {
        colour: 'blue',
        nested: { kept: [1, null] },
        secret,
        createdBy: mark,
        mooringSecretVersion: '3',
      },
      credentials: { username: 'jdoe' },
    })
  })

  test('B58 a replacement keeps extra events behind the wanted ones', () => {
    const observed = [seen({ active: false, events: ['pr:declined', ...events] })]

    expect(bodyOf(observed).events).toEqual([...events, 'pr:declined'])
    expect(bodyOf(observed, { policy: { eventsPolicy: 'exact' } }).events).toEqual(events)
  })

  test('B15 a replacement for another reason leaves a disabled webhook disabled', () => {
    expect(bodyOf([seen({ active: false, name: 'x' })], { policy: { respectDisabled: true } }).active).toBe(false)
  })

  test('B11 repeated events are sent once', () => {
    expect(bodyOf([], { events: ['pr:opened', 'pr:merged', 'pr:opened'] }).events).toEqual(['pr:opened', 'pr:merged'])
  })

  test.for([undefined, ''])('B12 without a secret (%j) the configuration has none', (none) => {
    const without = { secret: none, secretVersion: undefined }

    expect(bodyOf([], without).configuration).toEqual({ createdBy: mark })
    expect(bodyOf([seen()], without).configuration).toEqual({ createdBy: mark })
  })

  test('S68 adopting never keeps a foreign address', () => {
    const former = 'https://old.example.com/x'
    const observed = [seen({ url: former, configuration: {} })]

    expect(bodyOf(observed, { formerEndpoints: [former], registeredIds: [1] }).url).toBe(`${endpoint}?r=7`)
  })
})

describe('B13 shows no secret', () => {
  const changes = webhookDrift(wanted(), [seen({ active: false }), seen({ id: 2 })])
  const created = webhookDrift(wanted(), [])

  test('B13 a change that is printed, logged or stored as it is shows no secret', () => {
    for (const change of [...changes, ...created]) {
      for (const text of [JSON.stringify(change), inspect(change, { depth: 9, showHidden: true })]) {
        expect(text).not.toContain('planted')
      }
    }
  })

  test('B13 the printable form has everything else', () => {
    const printable = [...changes, ...created].map(printableChange)

    expect(JSON.stringify(printable)).not.toContain('planted')
    const webhook = {
      name: 'Mooring Prod',
      url: `${endpoint}?r=7`,
      events,
      active: true,
      sslVerificationRequired: true,
    }
    expect(printable).toEqual([
      { kind: 'update', level: 'repository', id: 1, drift: ['inactive'], webhook },
      { kind: 'delete', level: 'repository', id: 2, drift: ['duplicate'] },
      { kind: 'create', level: 'repository', webhook },
    ])
  })
})

describe('project and repository', () => {
  const projects = seen({ id: 50, url: `${endpoint}?p=3`, scopeType: 'project' })

  test('B14 an overlap is reported and left alone by default', () => {
    expect(kinds([projects, seen()])).toEqual([])
    expect(webhookFindings(wanted(), [projects, seen()])).toEqual([{ id: 50, kind: 'scope-overlap' }])
  })

  test('B14 keep_project deletes what the repository has, and creates nothing', () => {
    const policy = { policy: { scopeOverlap: 'keep_project' as const } }

    expect(kinds([projects, seen(), seen({ id: 2 })], policy)).toEqual(['delete 1', 'delete 2'])
    expect(kinds([projects], policy)).toEqual([])
    expect(webhookFindings(wanted(policy), [projects, seen()])).toEqual([])
  })

  test.for([
    {
      name: 'B14 keep_project keeps the repository’s webhook while the project’s is inactive',
      changes: { active: false },
    },
    {
      name: 'B14 keep_project keeps the repository’s webhook while the project’s lacks an event',
      changes: { events: events.slice(1) },
    },
  ])('$name', ({ changes }) => {
    const policy = { policy: { scopeOverlap: 'keep_project' as const } }

    expect(kinds([{ ...projects, ...changes }, seen()], policy)).toEqual([])
    expect(webhookFindings(wanted(policy), [{ ...projects, ...changes }, seen()])).toEqual([
      { id: 50, kind: 'scope-overlap' },
    ])
  })

  test('B14 keep_repository deletes the project’s webhook after the repository’s is right', () => {
    const desired = wanted({ policy: { scopeOverlap: 'keep_repository' } })

    expect(webhookDrift(desired, [projects])).toMatchObject([
      { kind: 'create' },
      { kind: 'delete', id: 50, level: 'project', after: 'create' },
    ])
    expect(webhookDrift(desired, [projects, seen({ active: false })])).toMatchObject([
      { kind: 'update' },
      { kind: 'delete', id: 50, after: 1 },
    ])
    expect(webhookDrift(desired, [projects, seen()])).toMatchObject([{ kind: 'delete', id: 50, after: null }])
  })

  test.for(['keep_project', 'keep_repository'] as const)(
    'B14 %s does not let a project’s plan act on the webhooks of a repository',
    (scopeOverlap) => {
      const desired = wanted({ repositoryId: undefined, projectId: 3, policy: { scopeOverlap } })

      expect(webhookDrift(desired, [projects, seen()])).toEqual([])
    },
  )

  test('B8 a project’s webhook made by hand does not keep a repository from having its own', () => {
    const manual = { ...projects, configuration: {} }

    expect(kinds([manual], { policy: { adopt: false } })).toEqual(['create'])
    expect(webhookFindings(wanted({ policy: { adopt: false } }), [manual])).toEqual([])
  })

  test('B14 a foreign project webhook is no overlap', () => {
    const foreign = { ...projects, url: 'https://ci.example.com', name: 'CI', configuration: {} }

    expect(webhookFindings(wanted({ policy: { scopeOverlap: 'keep_project' } }), [foreign, seen()])).toEqual([])
    expect(kinds([foreign], { policy: { scopeOverlap: 'keep_repository' } })).toEqual(['create'])
  })

  test('R45 a project’s webhook carries ?p= and the project level', () => {
    const desired = wanted({ repositoryId: undefined, projectId: 3 })

    expect(webhookDrift(desired, [projects])).toEqual([])
    expect(webhookDrift(desired, [])).toMatchObject([{ kind: 'create', level: 'project' }])
  })
})

describe('reports what it leaves alone', () => {
  test.for<{ name: string; observed: Partial<ObservedWebhook> }>([
    { name: 'B10 our name on another address', observed: { url: 'https://ci.example.com', configuration: {} } },
    { name: 'B3 our mark on another address', observed: { url: 'https://ci.example.com', name: 'x' } },
    { name: 'B7 our address with another mark', observed: { name: 'x', configuration: { createdBy: 'jenkins' } } },
    {
      name: 'B3 our address with a foreign parameter',
      observed: { name: 'x', url: `${endpoint}?x=1`, configuration: {} },
    },
  ])('$name', ({ observed }) => {
    expect(webhookFindings(wanted(), [seen(observed)])).toEqual([{ id: 1, kind: 'unmanaged-lookalike' }])
  })

  test.for<{ name: string; observed: Partial<ObservedWebhook> }>([
    { name: 'B10 nothing about ours', observed: {} },
    {
      name: 'B10 nothing about a stranger',
      observed: { url: 'https://ci.example.com', name: 'CI', configuration: {} },
    },
    {
      name: 'B10 nothing about a tool of our name that marks itself',
      observed: { url: 'https://ci.example.com', configuration: { createdBy: 'x' } },
    },
  ])('$name', ({ observed }) => {
    expect(webhookFindings(wanted(), [seen(observed)])).toEqual([])
  })
})

describe('removes', () => {
  const foreign = seen({ id: 2, url: 'https://ci.example.com', configuration: {} })
  const manual = seen({ id: 3, configuration: {} })
  const projects = seen({ id: 4, scopeType: 'project' })

  test('B34 removes every webhook that is ours and only those', () => {
    const removals = webhookRemovals(wanted().ownership, [foreign, manual, seen(), projects], {
      level: 'repository',
      adopt: true,
    })

    expect(removals).toEqual([
      { kind: 'delete', id: 1, level: 'repository', drift: ['unwanted'], after: null },
      { kind: 'delete', id: 3, level: 'repository', drift: ['unwanted'], after: null },
    ])
  })

  test('B34 leaves a webhook made by hand where adopting is off', () => {
    const removals = webhookRemovals(wanted().ownership, [manual, seen()], { level: 'repository', adopt: false })

    expect(removals.map(({ id }) => id)).toEqual([1])
  })

  test('B34 removes a project’s webhook at the project level', () => {
    const removals = webhookRemovals(wanted().ownership, [seen(), projects], { level: 'project', adopt: true })

    expect(removals.map(({ id }) => id)).toEqual([4])
  })
})
