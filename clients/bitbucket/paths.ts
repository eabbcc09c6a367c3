import type { OpenApi } from '@coderabbitai/bitbucket/server'

/** A path of Bitbucket's REST API, as Atlassian's OpenAPI writes it. */
export type PathTemplate = keyof OpenApi.paths & string

/** The names in braces of a path template. */
type ParameterNames<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterNames<Rest>
  : never

export type PathParameters<Template extends string> = Readonly<Record<ParameterNames<Template>, string | number>>

export type QueryParameters = Readonly<Record<string, string | number | boolean | undefined>>

/** A path, branch, key or address that must not be sent: refused before any request (S36). */
export class UnsafePathError extends Error {
  constructor(what: string, why: string) {
    super(`${what} cannot be part of a Bitbucket address: ${why}.`)
    this.name = 'UnsafePathError'
  }
}

/** A path below `/rest` whose parameters are filled in and escaped; only `restPath` makes one. */
export type RestPath = string & { readonly restPath: true }

/**
 * Fills in a path template; every parameter becomes exactly one segment (S36).
 *
 * @throws UnsafePathError
 */
export function restPath<Template extends PathTemplate>(
  template: Template,
  parameters: PathParameters<Template>,
): RestPath {
  const given = parameters as Readonly<Record<string, string | number | undefined>>
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeSegment(name, String(given[name] ?? '')))
  return path as RestPath
}

/**
 * Goes further down a path, by one escaped segment for each part of a file's path (S36).
 *
 * @throws UnsafePathError
 */
export function withSegments(path: RestPath, segments: readonly string[]): RestPath {
  return [path, ...segments.map((segment) => encodeSegment('path', segment))].join('/') as RestPath
}

/**
 * Gives the absolute address of one REST call below `baseUrl` (scheme, host, optional port and context path), after
 * comparing it with what a URL parser makes of it: HTTP clients normalise `..` and `%2e%2e` and swallow line breaks
 * (S36).
 *
 * @throws UnsafePathError
 */
export function restUrl(baseUrl: string, path: RestPath, query: QueryParameters): string {
  const search = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeQueryValue(name, String(value))}`],
  )
  const url = `${normalBaseUrl(baseUrl)}/rest${path}${search.length > 0 ? `?${search.join('&')}` : ''}`
  if (new URL(url).href !== url) throw new UnsafePathError('The address', 'it does not survive being parsed')
  return url
}

/** Gives scheme, host, port and context path in the form of a URL parser, without a slash at the end. */
export function normalBaseUrl(baseUrl: string): string {
  const url = new URL(baseUrl)
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '' || /[?#\\]/.test(baseUrl)) {
    throw new UnsafePathError('The base URL', 'expected http(s), without user info, query or fragment')
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function encodeSegment(name: string, segment: string): string {
  if (segment === '') throw new UnsafePathError(`An empty ${name}`, 'it would name another resource')
  if (segment === '.' || segment === '..') throw new UnsafePathError(`The ${name} "${segment}"`, 'it names a parent')
  if (/[/\\]/.test(segment)) throw new UnsafePathError(`A ${name} with a slash`, 'it would be several segments')
  if (hasControlCharacter(segment)) throw new UnsafePathError(`A ${name} with a control character`, 'it is not text')
  return encodeText(name, segment)
}

/** A query value may hold slashes and dots (a ref, a path), but no control character. */
function encodeQueryValue(name: string, value: string): string {
  if (hasControlCharacter(value)) throw new UnsafePathError(`A ${name} with a control character`, 'it is not text')
  return encodeText(name, value)
}

function encodeText(name: string, text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new UnsafePathError(`A ${name} with half a character`, 'it is not valid UTF-16')
  // A URL parser escapes the apostrophe in queries, encodeURIComponent does not.
  return encodeURIComponent(text).replace(/'/g, '%27')
}

function hasControlCharacter(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true
  }
  return false
}
