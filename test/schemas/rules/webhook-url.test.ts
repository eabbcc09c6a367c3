import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isSameWebhookUrl,
  normalWebhookUrl,
  splitWebhookUrl,
  webhookUrlFor,
} from '../../../schemas/rules/webhook-url.ts'

const endpoint = 'https://mooring.example.com/webhooks/bitbucket-datacenter/prod'

describe('compares addresses', () => {
  test.for<{ name: string; url: string; other?: string }>([
    {
      name: 'B2 the case of scheme and host does not count',
      url: 'HTTPS://Mooring.Example.COM/webhooks/bitbucket-datacenter/prod',
    },
    { name: 'B2 a slash at the end does not count', url: `${endpoint}/` },
    {
      name: 'B2 the default port does not count',
      url: 'https://mooring.example.com:443/webhooks/bitbucket-datacenter/prod',
    },
    {
      name: 'B2 a dot after the host name does not count',
      url: 'https://mooring.example.com./webhooks/bitbucket-datacenter/prod',
    },
    {
      name: 'B2 the case of an escape does not count',
      url: `${endpoint}/%c3%a4`,
      other: `${endpoint}/%C3%A4`,
    },
    { name: 'B2 an empty query does not count', url: `${endpoint}?` },
  ])('$name', ({ url, other }) => {
    expect(isSameWebhookUrl(url, other ?? endpoint)).toBe(true)
  })

  test.for([
    { name: 'B2 the parameter of a repository counts', url: `${endpoint}?r=7` },
    {
      name: 'B2 another scheme is another address',
      url: 'http://mooring.example.com/webhooks/bitbucket-datacenter/prod',
    },
    {
      name: 'B2 another port is another address',
      url: 'https://mooring.example.com:8443/webhooks/bitbucket-datacenter/prod',
    },
    { name: 'B2 the case of the path counts', url: 'https://mooring.example.com/webhooks/bitbucket-datacenter/Prod' },
    { name: 'B2 user info counts', url: 'https://x@mooring.example.com/webhooks/bitbucket-datacenter/prod' },
    { name: 'B9 the same host with another path is another address', url: 'https://mooring.example.com/webhooks' },
    { name: 'B2 what is no URL equals nothing', url: 'mooring' },
  ])('$name', ({ url }) => {
    expect(isSameWebhookUrl(url, endpoint)).toBe(false)
  })

  test('B2 two texts that are no URLs are not the same address', () => {
    expect(isSameWebhookUrl('x', 'x')).toBe(false)
  })

  test('B2 normalising twice changes nothing', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        const once = normalWebhookUrl(url)
        expect(once).toBeDefined()
        expect(normalWebhookUrl(once ?? '')).toBe(once)
      }),
    )
  })
})

describe('takes addresses apart', () => {
  test.for([
    { name: 'R45 finds the repository', url: `${endpoint}/?r=42`, target: { kind: 'repository', id: 42 } },
    { name: 'R45 finds the project', url: `${endpoint}?p=7`, target: { kind: 'project', id: 7 } },
    { name: 'R45 finds no target in a bare endpoint', url: endpoint, target: undefined },
  ])('$name', ({ url, target }) => {
    expect(splitWebhookUrl(url)).toEqual({ endpoint, target })
  })

  test.for(['?r=', '?r=0', '?r=07', '?r=x', '?r=1&p=2', '?r=1&r=2', '?R=1', '?r=1e3', '?q=1', '?r=9999999999999999'])(
    'R45 takes no endpoint out of an address with the query %s',
    (query) => {
      expect(splitWebhookUrl(endpoint + query)).toBeUndefined()
    },
  )

  test('R45 finds what was put in', () => {
    const target = fc.record({
      kind: fc.constantFrom('repository' as const, 'project' as const),
      id: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    })
    fc.assert(
      fc.property(target, (wanted) => {
        expect(splitWebhookUrl(webhookUrlFor(endpoint, wanted))).toEqual({ endpoint, target: wanted })
      }),
    )
  })
})
