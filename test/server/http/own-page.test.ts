import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { Problem } from '../../../schemas/problem.ts'
import { requireOwnPage } from '../../../server/http/own-page.ts'

const publicUrl = 'https://mooring.example.com/base'
const json = 'application/json'

test.for([
  { name: 'S19 the public origin passes', headers: { origin: 'https://mooring.example.com' }, is: 'passes' },
  { name: 'S19 no Origin is refused', headers: {}, is: 'foreign_origin' },
  { name: 'S19 the origin of nothing is refused', headers: { origin: 'null' }, is: 'foreign_origin' },
  { name: 'S19 another site is refused', headers: { origin: 'https://evil.example' }, is: 'foreign_origin' },
  { name: 'S19 another scheme is refused', headers: { origin: 'http://mooring.example.com' }, is: 'foreign_origin' },
  { name: 'S19 another port is refused', headers: { origin: 'https://mooring.example.com:444' }, is: 'foreign_origin' },
  {
    name: 'S19 a longer name is refused',
    headers: { origin: 'https://mooring.example.com.evil.example' },
    is: 'foreign_origin',
  },
  { name: 'S19 a sibling is refused', headers: { origin: 'https://evil.example.com' }, is: 'foreign_origin' },
  {
    name: 'S19 two origins are refused',
    headers: { origin: 'https://mooring.example.com, https://evil.example' },
    is: 'foreign_origin',
  },
  {
    name: 'S19 what the browser calls cross-site is refused',
    headers: { origin: 'https://mooring.example.com', 'sec-fetch-site': 'cross-site' },
    is: 'foreign_origin',
  },
  {
    name: 'S19 what the browser calls same-site is refused',
    headers: { origin: 'https://mooring.example.com', 'sec-fetch-site': 'same-site' },
    is: 'foreign_origin',
  },
  {
    name: 'S19 what the browser calls same-origin passes',
    headers: { origin: 'https://mooring.example.com', 'sec-fetch-site': 'same-origin' },
    is: 'passes',
  },
  {
    name: 'S19 this machine passes by the name that was called',
    headers: { origin: 'http://127.0.0.1:8080', host: '127.0.0.1:8080' },
    is: 'passes',
  },
  {
    name: 'S19 localhost passes by the name that was called',
    headers: { origin: 'http://localhost:8080', host: 'localhost:8080' },
    is: 'passes',
  },
  {
    name: 'S19 another port of this machine is refused',
    headers: { origin: 'http://127.0.0.1:9', host: '127.0.0.1:8080' },
    is: 'foreign_origin',
  },
  {
    name: 'S19 a name that an attacker points to this machine is refused',
    headers: { origin: 'http://rebound.evil.example:8080', host: 'rebound.evil.example:8080' },
    is: 'foreign_origin',
  },
  {
    name: 'S19 a form’s media type is refused',
    headers: { origin: 'https://mooring.example.com', 'content-type': 'text/plain' },
    is: 'json_required',
  },
  {
    name: 'S19 no media type is refused',
    headers: { origin: 'https://mooring.example.com', 'content-type': undefined },
    is: 'json_required',
  },
  {
    name: 'S19 a media type that only begins like JSON is refused',
    headers: { origin: 'https://mooring.example.com', 'content-type': 'application/jsonp' },
    is: 'json_required',
  },
])('$name', ({ headers, is }) => {
  expect(judge({ 'content-type': json, ...headers })).toBe(is)
})

function judge(headers: Readonly<Record<string, string | undefined>>): string {
  try {
    requireOwnPage({ headers } as unknown as IncomingMessage, publicUrl)
    return 'passes'
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
}
