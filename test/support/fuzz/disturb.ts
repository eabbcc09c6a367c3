import { randomUUID } from 'node:crypto'
import { bytesOf, type WireRequest } from './requests.ts'

/** What earlier answers gave, to be sent again where it belongs and where it does not. */
export interface Memory {
  /** Cursors with the address, without the cursor, of the page that gave it. */
  readonly cursors: { readonly cursor: string; readonly path: string }[]
  readonly etags: { readonly etag: string; readonly path: string }[]
  readonly idempotencyKeys: string[]
}

type Disturbance = (request: WireRequest, random: () => number, memory: Memory) => WireRequest

/** Spoils a request, or sends with it what has a meaning of its own, in one of many ways. */
export function disturb(request: WireRequest, random: () => number, memory: Memory): WireRequest {
  return pick(disturbances, random)(request, random, memory)
}

const header =
  (name: string, ...values: readonly (string | null)[]): Disturbance =>
  (request, random) => ({ ...request, headers: { ...request.headers, [name]: pick(values, random) } })

const body =
  (...texts: readonly (() => string)[]): Disturbance =>
  (request, random) => ({ ...request, body: pick(texts, random)() })

const query =
  (...parts: readonly string[]): Disturbance =>
  (request, random) => ({ ...request, path: withQuery(request.path, pick(parts, random)) })

const disturbances: readonly Disturbance[] = [
  header('content-type', 'text/plain', 'application/json; charset=utf-16', 'application/x-www-form-urlencoded', null),
  header('content-encoding', 'gzip', 'br', 'identity'),
  header('accept', 'text/html', 'application/xml', ''),
  header('origin', 'http://evil.test', 'null', null),
  header('x-csrf-token', 'wrong', '', null),
  header('sec-fetch-site', 'cross-site', 'same-site', 'same-origin'),
  header('authorization', 'Bearer x.y.z', 'Basic YTpi', 'Bearer', `Bearer ${'a'.repeat(5_000)}`),
  header('if-match', '"stale"', 'W/"weak"', '*', 'no etag', '"a", "b"', ''),
  header('if-none-match', '*', '"stale"', 'no etag'),
  header('idempotency-key', '', 'a'.repeat(65), 'a key with blanks', 'ümlaut', '\u00ff'),
  header('expect', '100-continue'),
  body(
    () => '',
    () => '{',
    () => 'null',
    () => '[]',
    () => '"text"',
    () => '0',
    () => '\xff\xfe{}',
    () => bytesOf('\ufeff{}'),
    () => '{"name":"a","name":"b"}',
    () => '{"__proto__":{"isDefault":true},"constructor":1}',
    () => '{"name":"\\ud800"}',
    () => '{"name":"\\u0000"}',
    () => '{"name":1e400}',
    () => '['.repeat(20_000),
    () => `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`,
    () => `{"name":"${'a'.repeat(100_000)}"}`,
  ),
  // More than a server may be made to hold is seldom needed: it is slow for nobody but us.
  (request, random) => (random() < 0.1 ? { ...request, body: `{"name":"${'a'.repeat(1_100_000)}"}` } : request),
  intoBody,
  query(
    'unknown=1',
    'limit=0',
    'limit=1e9',
    'limit=%00',
    'cursor=',
    'cursor=AAAA',
    `cursor=${'A'.repeat(900)}`,
    'ids=',
    'ids=%ff',
    'ids=a,b,a',
    `ids=${Array.from({ length: 201 }, (_, index) => index).join()}`,
    'ids=0190A0A0-0000-7000-8000-000000000001',
    'since=0000-01-01T00:00:00Z',
    'since=9999-12-31T23:59:59.999999999Z',
    '%',
    '%c0%af=1',
    'a[b][c]=1',
    'spaceId[]=root&spaceId[]=pillar-team',
    '__proto__=1',
    'dryRun=true',
    'skipVerification=true',
    'force=TRUE',
    Array.from({ length: 300 }, (_, index) => `p${index}=1`).join('&'),
  ),
  (request) => {
    const first = /[?&]([^=&]+)=[^&]*/.exec(request.path)
    return first ? { ...request, path: withQuery(request.path, first[0].slice(1)) } : request
  },
  intoPath,
  (request, random, { cursors }) => {
    const known = cursors.length > 0 ? pick(cursors, random) : undefined
    if (!known) return request
    // One half where it belongs, if the operation is the same; the other anywhere.
    const isSameList = known.path.split('?')[0] === request.path.split('?')[0]
    const path = isSameList ? known.path : (request.path.split('?')[0] ?? '')
    return { ...request, path: withQuery(path, `cursor=${encodeURIComponent(known.cursor)}`) }
  },
  (request, random, { etags }) => {
    const path = request.path.split('?')[0]
    const known = etags.filter((each) => each.path === path || random() < 0.05).at(-1)
    if (!known) return request
    const name = request.method === 'GET' ? 'if-none-match' : 'if-match'
    return { ...request, headers: { ...request.headers, [name]: known.etag } }
  },
  (request, random, { idempotencyKeys }) => {
    const used = random() < 0.4 && idempotencyKeys.length > 0 ? pick(idempotencyKeys, random) : randomUUID()
    idempotencyKeys.push(used)
    if (idempotencyKeys.length > 20) idempotencyKeys.shift()
    return { ...request, headers: { ...request.headers, 'idempotency-key': used } }
  },
]

const hostileTexts = ['', ' ', '\0', '\u202e', '..', "'; drop table space; --", 'a'.repeat(3_000), '\uffff', '1e400']
const hostileValues = [
  null,
  true,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  2 ** 53 - 1,
  1 - 2 ** 53,
  1e308,
  [],
  {},
  [[[]]],
  { a: { b: 1 } },
  ...hostileTexts,
]

/** Puts something else into a place of the body, however deep, or something unknown beside it. */
function intoBody(request: WireRequest, random: () => number): WireRequest {
  if (request.body === undefined) return request
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(request.body, 'latin1').toString('utf8'))
  } catch {
    return request
  }
  return { ...request, body: bytesOf(JSON.stringify(spoil(value, random))) }
}

function spoil(value: unknown, random: () => number): unknown {
  const isObject = typeof value === 'object' && value !== null
  if (!isObject || random() < 0.2) return pick(hostileValues, random)
  const names = [...Object.keys(value), 'unknown']
  const name = pick(names, random)
  const part: unknown = (value as Record<string, unknown>)[name]
  const spoilt = name === 'unknown' ? 1 : random() < 0.5 ? pick(hostileValues, random) : spoil(part, random)
  if (Array.isArray(value)) return value.map((each, index) => (String(index) === name ? spoilt : each))
  return { ...value, [name]: spoilt }
}

/** Asks for something that is not there, or that cannot be. */
function intoPath(request: WireRequest, random: () => number): WireRequest {
  const [path = '', ...rest] = request.path.split('?')
  const parts = path.split('/')
  if (parts.length < 5) return request
  parts[4] = pick(
    [randomUUID(), 'absent', 'ROOT', '%00', '%ff', '..%2f..', 'a'.repeat(2_000), '%F0%9F%98%80', 'root', '-', ''],
    random,
  )
  return { ...request, path: [parts.join('/'), ...rest].join('?') }
}

function withQuery(path: string, part: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}${part}`
}

function pick<Item>(items: readonly Item[], random: () => number): Item {
  return items[Math.floor(random() * items.length)] as Item
}
