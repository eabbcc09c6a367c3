import { expect, test } from 'vitest'
import { proxyFor } from '../../clients/transport-proxy.ts'

test.for([
  { url: 'https://bb.example.com/', noProxy: '', direct: false },
  { url: 'https://bb.example.com/', noProxy: 'bb.example.com', direct: true },
  { url: 'https://bb.example.com/', noProxy: 'other.com, Example.COM', direct: true },
  { url: 'https://bb.example.com/', noProxy: '.example.com', direct: true },
  { url: 'https://bb.example.com/', noProxy: '*.example.com', direct: true },
  { url: 'https://bb.example.com/', noProxy: 'b.example.com', direct: false },
  { url: 'https://badexample.com/', noProxy: 'example.com', direct: false },
  { url: 'https://bb.example.com/', noProxy: '*', direct: true },
  { url: 'https://bb.example.com:8443/', noProxy: 'bb.example.com:8443', direct: true },
  { url: 'https://bb.example.com/', noProxy: 'bb.example.com:8443', direct: false },
  { url: 'https://bb.example.com/', noProxy: 'bb.example.com:443', direct: true },
])('with NO_PROXY=$noProxy, $url is dialled directly: $direct', ({ url, noProxy, direct }) => {
  const proxy = { url: 'http://proxy.example.com', noProxy }

  expect(proxyFor(new URL(url), proxy)).toBe(direct ? undefined : proxy)
  expect(proxyFor(new URL(url), undefined)).toBeUndefined()
})
