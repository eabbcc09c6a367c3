import { describe, expect, test } from 'vitest'
import { desiredWebhook, eventsForVersion } from '../../../clients/bitbucket/desired-webhook.ts'
import { isOurs, ownershipMark } from '../../../clients/bitbucket/webhook-ownership.ts'
import { endpoint, events, seen, wanted } from './webhook-samples.ts'

test('is named after the integration, and Mooring without one', () => {
  expect(wanted().name).toBe('Mooring Prod')
  expect(desiredWebhook({ endpoint, events }).name).toBe('Mooring')
  expect(wanted({ name: 'Chosen' }).name).toBe('Chosen')
})

describe('R45', () => {
  test.for([
    { name: 'R45 a repository’s address carries its id', changes: {}, url: `${endpoint}?r=7`, level: 'repository' },
    {
      name: 'R45 a project’s address carries its id',
      changes: { repositoryId: undefined, projectId: 3 },
      url: `${endpoint}?p=3`,
      level: 'project',
    },
    {
      name: 'R45 an address that carries an id already keeps it',
      changes: { repositoryId: undefined, endpoint: `${endpoint}/?r=9` },
      url: `${endpoint}?r=9`,
      level: 'repository',
    },
    {
      name: 'R45 a repository whose id is not known has none',
      changes: { repositoryId: undefined },
      url: endpoint,
      level: 'repository',
    },
    {
      name: 'an address of somebody’s own stays as it is',
      changes: { repositoryId: undefined, endpoint: 'https://x.example.com/?a=b' },
      url: 'https://x.example.com/?a=b',
      level: 'repository',
    },
  ])('$name', ({ changes, url, level }) => {
    expect(wanted(changes)).toMatchObject({ url, level })
  })
})

test('B11 repeated events are wanted once', () => {
  expect(wanted({ events: ['pr:opened', 'pr:opened'] }).events).toEqual(['pr:opened'])
})

test('B12 an empty secret is none', () => {
  expect(wanted({ secret: '' })).not.toHaveProperty('secret')
})

describe('B11 drops events that the server does not know', () => {
  test.for([
    { version: '9.4.2', given: events, dropped: [] },
    { version: '10.0', given: events, dropped: [] },
    { version: '6.10.1', given: events, dropped: ['pr:from_ref_updated'] },
    { version: '5.9', given: events, dropped: ['pr:from_ref_updated', 'pr:modified'] },
    { version: '5.10', given: events, dropped: ['pr:from_ref_updated'] },
    {
      version: '9.4',
      given: ['pr:to_ref_updated', 'pr:reviewer:changes_requested', 'constructor', 'pr:merged'],
      dropped: ['pr:to_ref_updated', 'pr:reviewer:changes_requested', 'constructor'],
    },
    { version: '9.4', given: ['pr:merged', 'pr:merged'], dropped: [] },
  ])('B11 Bitbucket $version drops $dropped', ({ version, given, dropped }) => {
    const kept = [...new Set(given)].filter((event) => !dropped.includes(event))

    expect(eventsForVersion(given, version)).toEqual({ events: kept, dropped })
  })
})

describe('a webhook that belongs to no integration', () => {
  const address = 'https://x.example.com/?a=b'
  const { ownership } = desiredWebhook({ endpoint: address, events, registeredIds: [4] })

  test('writes no mark', () => {
    expect(ownership.mark).toBeUndefined()
  })

  test('is not found at another address', () => {
    expect(isOurs(seen({ id: 4, url: 'https://x.example.com/?a=c', configuration: {} }), ownership)).toBe(false)
  })

  test('is found at its own address', () => {
    expect(isOurs(seen({ id: 4, url: address, configuration: {} }), ownership)).toBe(true)
    expect(isOurs(seen({ id: 5, url: address, configuration: {} }), ownership)).toBe(true)
  })

  test('is told apart by the whole address, parameters of repositories included', () => {
    const own = desiredWebhook({ endpoint: `${endpoint}?r=7`, events }).ownership

    expect(isOurs(seen({ configuration: {} }), own)).toBe(true)
    expect(isOurs(seen({ url: `${endpoint}?r=8`, configuration: {} }), own)).toBe(false)
  })

  test('is not found where a server of Mooring marked it', () => {
    expect(isOurs(seen({ id: 5, url: address }), ownership)).toBe(false)
  })
})

test('the mark names the server and the integration', () => {
  expect(ownershipMark('i-1', 'int1')).toBe('mooring/i-1/int1')
})
