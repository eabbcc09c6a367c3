import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalBaseUrl, restPath, restUrl, UnsafePathError } from '../../../clients/bitbucket/paths.ts'
import { getRepository } from '../../../clients/bitbucket/repositories.ts'
import { answering } from './client-under-test.ts'

const template = '/api/latest/projects/{projectKey}/repos/{repositorySlug}'

function urlOf(projectKey: string, repositorySlug: string, query = {}) {
  return restUrl('https://bb.example.com/ctx', restPath(template, { projectKey, repositorySlug }), query)
}

test.for([
  { name: 'B16 a personal project', key: '~jdoe', slug: 'infra', path: '~jdoe/repos/infra' },
  { name: 'B16 a dot', key: 'P', slug: 'my.repo', path: 'P/repos/my.repo' },
  { name: 'B16 a space', key: 'P', slug: 'a b', path: 'P/repos/a%20b' },
  { name: 'B16 letters beyond ASCII', key: '~ü', slug: 'größe', path: '~%C3%BC/repos/gr%C3%B6%C3%9Fe' },
  { name: 'S36 an escape is escaped again', key: 'P', slug: '%2e%2e', path: 'P/repos/%252e%252e' },
  { name: 'S36 a question mark and a hash', key: 'P', slug: 'a?b#c', path: 'P/repos/a%3Fb%23c' },
])('$name', ({ key, slug, path }) => {
  expect(urlOf(key, slug)).toBe(`https://bb.example.com/ctx/rest/api/latest/projects/${path}`)
})

test('S36 a query keeps slashes and quotes inside its value', () => {
  expect(urlOf('P', 'r', { at: "refs/heads/it's&x=1", skipped: undefined, start: 0 })).toMatch(
    /\?at=refs%2Fheads%2Fit%27s%26x%3D1&start=0$/,
  )
})

test.for(['', '.', '..', 'a/b', 'a\\b', '\0', 'a\nb', 'a\r\nb', '\u007f', '\u0085', '\ud800', 'x\udc00'])(
  'S36 refuses the segment %j before any request',
  async (segment) => {
    const { client, requests } = answering(200, {})

    expect(() => urlOf(segment, 'repo')).toThrow(UnsafePathError)
    await expect(getRepository(client, { projectKey: 'P', repositorySlug: segment })).rejects.toThrow(UnsafePathError)
    expect(requests).toEqual([])
  },
)

test('S36 refuses a control character in a query', () => {
  expect(() => urlOf('P', 'r', { filterText: 'a\r\nX: y' })).toThrow(UnsafePathError)
})

test('S36 every address that is built starts as intended and survives being parsed', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('.', '/', '\\', '%', '2', 'e', 'f', '?', '#', '\n', '\0', ';', '~', '@', ':') }),
    fc.constantFrom('..', '%2e%2e', '..%2f', '..;', './..', 'x/../..', '\uff0e\uff0e'),
  )
  fc.assert(
    fc.property(hostile, hostile, hostile, (key, slug, text) => {
      let url: string
      try {
        url = urlOf(key, slug, { filterText: text })
      } catch (error) {
        expect(error).toBeInstanceOf(UnsafePathError)
        return
      }
      const { pathname, searchParams } = new URL(url)
      const [, context, rest, api, latest, projects, keyPart, repos, slugPart, ...more] = pathname.split('/')
      expect([context, rest, api, latest, projects, repos, more]).toEqual([
        'ctx',
        'rest',
        'api',
        'latest',
        'projects',
        'repos',
        [],
      ])
      expect([keyPart, slugPart].map((part) => decodeURIComponent(part ?? ''))).toEqual([key, slug])
      expect(searchParams.get('filterText')).toBe(text)
      expect(url).toMatch(/^[\x21-\x7e]+$/)
    }),
    { numRuns: 10_000 },
  )
})

describe('base URLs', () => {
  test.for([
    ['https://BB.example.com', 'https://bb.example.com'],
    ['https://bb.example.com:443/', 'https://bb.example.com'],
    ['http://bb.example.com:7990/bitbucket/', 'http://bb.example.com:7990/bitbucket'],
  ] as const)('%s is %s', ([given, normal]) => {
    expect(normalBaseUrl(given)).toBe(normal)
  })

  test.for(['ftp://bb', 'https://u@bb', 'https://bb?x', 'https://bb/#', 'https://bb\\x', 'bb'])('refuses %s', (url) => {
    expect(() => normalBaseUrl(url)).toThrow()
  })
})
