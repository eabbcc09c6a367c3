import type { IncomingMessage } from 'node:http'
import { Problem } from '../../schemas/problem.ts'

const loopback = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/

/**
 * Lets pass what a page of ours sends (S19): from our own origin, as JSON. A form of another site can send neither.
 * Ours is the public URL's origin; on this machine also the address that the browser itself called.
 */
export function requireOwnPage({ headers }: IncomingMessage, publicUrl: string | undefined): void {
  const site = headers['sec-fetch-site']
  const isSameSite = site === undefined || site === 'same-origin'
  if (!isSameSite || !isOwnOrigin(headers.origin, headers.host, publicUrl)) {
    const detail =
      'A browser’s session is used by the pages of this server alone: send it from there, with their Origin. Set MOORING_PUBLIC_URL to the address at which browsers reach the server.'
    throw new Problem('foreign_origin', detail)
  }
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new Problem('json_required', 'Send Content-Type: application/json with every write, also with an empty one.')
  }
}

function isOwnOrigin(origin: string | undefined, host: string | undefined, publicUrl: string | undefined): boolean {
  if (origin === undefined) return false
  if (publicUrl !== undefined && origin === new URL(publicUrl).origin) return true
  // A name that an attacker points to this machine is no loopback name, so it cannot stand here.
  return host !== undefined && loopback.test(host) && (origin === `http://${host}` || origin === `https://${host}`)
}
