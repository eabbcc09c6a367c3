import type { JsonObject } from './json-schema.ts'

/** What of an operation a command line needs. */
export interface CurlCall {
  readonly method: string
  readonly path: string
  /** By what the caller is known. */
  readonly credential: 'token' | 'session' | 'none'
  readonly params: JsonObject
  readonly query: readonly (readonly [string, string])[]
  /** Undefined where the operation has none. */
  readonly body: unknown
}

/** Writes the call as a shell runs it, with `$MOORING_URL` and `$MOORING_TOKEN` in the environment. */
export function curlCommand({ method, path, credential, params, query, body }: CurlCall): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name] ?? name)))
  const search = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value])).toString()
  const lines = [
    `curl${method === 'GET' ? '' : ` -X ${method}`} "$MOORING_URL${filled}${search === '' ? '' : `?${search}`}"`,
    ...(credential === 'token' ? ['-H "Authorization: Bearer $MOORING_TOKEN"'] : []),
    ...(credential === 'session'
      ? ['-b "$MOORING_COOKIE"', ...(method === 'GET' ? [] : ['-H "X-CSRF-Token: $MOORING_CSRF"'])]
      : []),
    ...(body === undefined
      ? []
      : [`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(body, null, 2))}`]),
  ]
  return lines.join(' \\\n  ')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
