import * as z from 'zod'

const httpAddress = /^https?:\/\/[^/?#@\\\s]+(?:\/[^?#\\\s]*)?$/i
const poolAddress = /^private:\/\/[a-z0-9-]{1,63}(?:\/[^?#\\\s]*)?$/

/** A URL without user info, query, fragment or trailing slash, which `new URL` reads as it was written (R19). */
function isBareAddress(value: string): boolean {
  if (value.endsWith('/') || !URL.canParse(value)) return false
  const { username, password, search, hash } = new URL(value)
  return username === '' && password === '' && search === '' && hash === ''
}

/** A Bitbucket's address as people see it: http(s) with host, optional port and context path. */
export const UserFacingHost = z
  .string()
  .max(2000)
  .regex(httpAddress, 'expected http(s)://host[:port][/context-path]')
  .refine(isBareAddress, 'expected no user info, query, fragment or trailing slash')

/** Where the API is called: as UserFacingHost, or `private://pool[/path]` when a VCS agent pool reaches it. */
export const ApiHost = z
  .string()
  .max(2000)
  .refine(
    (value) => httpAddress.test(value) || poolAddress.test(value),
    'expected http(s)://host[:port][/context-path] or private://<VCS agent pool>[/path]',
  )
  .refine(isBareAddress, 'expected no user info, query, fragment or trailing slash')

/** The VCS agent pool that a private apiHost names, and the context path behind it; undefined for a public one. */
export function vcsAgentPoolOf(apiHost: string): { readonly pool: string; readonly path: string } | undefined {
  const found = /^private:\/\/([^/]+)(.*)$/.exec(apiHost)
  return found ? { pool: found[1] ?? '', path: found[2] ?? '' } : undefined
}
