import { TransportError } from '../../clients/transport.ts'
import type { BitbucketAccess } from './bitbucket-access.ts'
import { invalidField } from './invalid-field.ts'

/**
 * Refuses hosts that cannot work (R19, R102, S32): an address that the server never calls, a VCS agent pool that does
 * not exist, and a private one that people could not open without an address of their own.
 */
export function checkHosts(
  access: BitbucketAccess,
  hosts: { readonly apiHost: string; readonly userFacingHost: string | null },
): void {
  const pool = /^private:\/\/([^/]+)/.exec(hosts.apiHost)?.[1]
  if (pool !== undefined) {
    if (hosts.userFacingHost === null) {
      throw invalidField('/userFacingHost', 'required where apiHost is private: people need an address to open')
    }
    throw invalidField('/apiHost', `there is no VCS agent pool named "${pool}"`)
  }
  try {
    access.checkHost(hosts.apiHost)
  } catch (error) {
    if (!(error instanceof TransportError)) throw error
    throw invalidField(
      '/apiHost',
      'the server must not send requests to this address (loopback, link-local or its own)',
    )
  }
}
