import { expect, test } from 'vitest'
import { ApiHost, UserFacingHost } from '../../schemas/hosts.ts'

test.for([
  { address: 'https://bitbucket.example.com', api: true, people: true },
  { address: 'http://bitbucket.example.com:7990', api: true, people: true },
  { address: 'https://example.com/bitbucket', api: true, people: true },
  { address: 'https://example.com:8443/a/b', api: true, people: true },
  { address: 'https://[2001:db8::1]:8443', api: true, people: true },
  { address: 'HTTPS://BITBUCKET.example.com', api: true, people: true },
  { address: 'private://pool', api: true, people: false },
  { address: 'private://pool/bitbucket', api: true, people: false },
  { address: 'private://', api: false, people: false },
  { address: 'private://pool/', api: false, people: false },
  { address: 'private://Two Words', api: false, people: false },
  { address: 'private://pool?x', api: false, people: false },
  { address: '', api: false, people: false },
  { address: 'bitbucket.example.com', api: false, people: false },
  { address: 'ftp://bitbucket.example.com', api: false, people: false },
  { address: 'file:///etc/passwd', api: false, people: false },
  { address: 'https://', api: false, people: false },
  { address: 'https:///path', api: false, people: false },
  { address: 'https://bitbucket.example.com/', api: false, people: false },
  { address: 'https://example.com/bitbucket/', api: false, people: false },
  { address: 'https://user@bitbucket.example.com', api: false, people: false },
  { address: 'https://user:word@bitbucket.example.com', api: false, people: false },
  { address: 'https://bitbucket.example.com?', api: false, people: false },
  { address: 'https://bitbucket.example.com?a=b', api: false, people: false },
  { address: 'https://bitbucket.example.com#', api: false, people: false },
  { address: 'https://bitbucket.example.com#a', api: false, people: false },
  { address: 'https://bitbucket.example.com\\@evil.example.com', api: false, people: false },
  { address: 'https://bitbucket.example.com:99999', api: false, people: false },
  { address: ' https://bitbucket.example.com', api: false, people: false },
  { address: 'https://bitbucket.example.com\n', api: false, people: false },
  { address: 'https://a b', api: false, people: false },
])('R19 $address is an API host URL: $api, and a user-facing one: $people', ({ address, api, people }) => {
  expect(ApiHost.safeParse(address).success).toBe(api)
  expect(UserFacingHost.safeParse(address).success).toBe(people)
})
