import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseBitbucketUrl } from '../../../schemas/rules/bitbucket-url.ts'

const infra = {
  host: 'bb.example.com',
  contextPath: '',
  projectKey: 'INFRA',
  repositorySlug: 'network',
  personal: false,
}
const personal = { ...infra, projectKey: '~jdoe', personal: true }

test.for([
  { url: 'https://bb.example.com/scm/infra/network.git', value: infra },
  { url: 'https://jdoe@bb.example.com/scm/infra/network.git', value: infra },
  { url: 'https://BB.example.com/bitbucket/scm/INFRA/network.git', value: { ...infra, contextPath: '/bitbucket' } },
  {
    url: 'http://bb.example.com:7990/a/b/scm/infra/network.git',
    value: { ...infra, host: 'bb.example.com:7990', contextPath: '/a/b' },
  },
  { url: 'https://bb.example.com/scm/~jdoe/network.git', value: personal },
  { url: 'ssh://git@bb.example.com:7999/infra/network.git', value: { ...infra, host: 'bb.example.com:7999' } },
  { url: 'ssh://git@bb.example.com/INFRA/network.git', value: infra },
  { url: 'ssh://git@bb.example.com:7999/~jdoe/network.git', value: { ...personal, host: 'bb.example.com:7999' } },
  { url: 'git@bb.example.com:infra/network.git', value: infra },
  { url: 'https://bb.example.com/projects/INFRA/repos/network', value: infra },
  { url: 'https://bb.example.com/projects/INFRA/repos/network/browse/a.tf?at=refs%2Fheads%2Fmain#4', value: infra },
  {
    url: 'https://bb.example.com/bitbucket/projects/INFRA/repos/network/pull-requests/3/overview',
    value: { ...infra, contextPath: '/bitbucket' },
  },
  { url: 'https://bb.example.com/users/jdoe/repos/network/browse', value: personal },
  { url: 'https://bb.example.com/projects/~jdoe/repos/network', value: personal },
  { url: '  https://bb.example.com/scm/infra/my.repo_1-x.git\n', value: { ...infra, repositorySlug: 'my.repo_1-x' } },
])('reads $url', ({ url, value }) => {
  expect(parseBitbucketUrl(url)).toEqual({ ok: true, value })
})

test.for([
  'network',
  '',
  'https://bitbucket.org/team/network',
  'https://bb.example.com/',
  'https://bb.example.com/projects/INFRA',
  'https://bb.example.com/projects//repos/network',
  'https://bb.example.com/projects/%2e%2e%2f/repos/network',
  'https://bb.example.com/projects/INFRA/repos/..%2fadmin',
  'https://bb.example.com/scm/infra/network',
  'ftp://bb.example.com/scm/infra/network.git',
  'ssh://git@bb.example.com:7999/a/b/c.git',
  'ssh://git@bb.example.com:7999/infra',
  'file:///scm/infra/network.git',
])('refuses %s with a reason', (url) => {
  const parsed = parseBitbucketUrl(url)

  expect(parsed).toMatchObject({ ok: false })
  expect(parsed.ok ? '' : parsed.error).toMatch(/^This is not the address of a Bitbucket Data Center repository: .+\.$/)
})

test('never throws, and finds only what can be one path segment', () => {
  const nearly = fc
    .tuple(fc.constantFrom('https://h/scm/', 'https://h/projects/', 'ssh://git@h:7999/', ''), fc.string(), fc.string())
    .map(([start, left, right]) => `${start}${left}/repos/${right}.git`)
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), nearly), (text) => {
      const parsed = parseBitbucketUrl(text)
      if (parsed.ok) expect(`${parsed.value.projectKey}|${parsed.value.repositorySlug}`).not.toMatch(/[/\\\s]/)
    }),
  )
})
