/** Which repository or project a webhook's own secret is good for (R45). */
export type WebhookTarget =
  | { readonly kind: 'repository'; readonly id: number }
  | { readonly kind: 'project'; readonly id: number }

/** A webhook's address in parts: the endpoint in normal form, and what its query says. */
export interface WebhookUrlParts {
  readonly endpoint: string
  /** `undefined` where the query is empty. */
  readonly target: WebhookTarget | undefined
}

/**
 * Gives the form in which webhook addresses are compared (B2): host in lower case, no default port, no slash at the
 * end of the path, escapes in upper case; the query stays, since `?r=` tells repositories apart (R45). `undefined`
 * where the text is no http(s) URL.
 */
export function normalWebhookUrl(text: string): string | undefined {
  const url = parseHttpUrl(text)
  return url && `${normalEndpoint(url)}${url.search}`
}

/** Tells whether two addresses are one, as `normalWebhookUrl` sees them. */
export function isSameWebhookUrl(left: string, right: string): boolean {
  const normal = normalWebhookUrl(left)
  return normal !== undefined && normal === normalWebhookUrl(right)
}

/** Takes an address apart; `undefined` where its query holds anything but one `r` or one `p`. */
export function splitWebhookUrl(text: string): WebhookUrlParts | undefined {
  const url = parseHttpUrl(text)
  if (!url) return undefined
  const endpoint = normalEndpoint(url)
  if (url.search === '') return { endpoint, target: undefined }
  const found = /^\?(?<name>[rp])=(?<id>[1-9]\d{0,14})$/.exec(url.search)?.groups
  if (!found) return undefined
  return { endpoint, target: { kind: found.name === 'r' ? 'repository' : 'project', id: Number(found.id) } }
}

/** Adds `?r=<id>` or `?p=<id>` to an endpoint (R45). */
export function webhookUrlFor(endpoint: string, target: WebhookTarget | undefined): string {
  if (!target) return endpoint
  return `${endpoint}?${target.kind === 'repository' ? 'r' : 'p'}=${target.id}`
}

function parseHttpUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined
}

function normalEndpoint(url: URL): string {
  const user = url.username === '' && url.password === '' ? '' : `${url.username}:${url.password}@`
  // A dot at the end of a host name only says that the name is complete.
  const host = url.host.replace(/\.(?=:\d+$|$)/, '')
  const path = url.pathname.replace(/\/+$/, '').replace(/%[0-9a-f]{2}/gi, (escaped) => escaped.toUpperCase())
  return `${url.protocol}//${user}${host}${path}`
}
