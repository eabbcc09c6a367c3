import { TransportError } from '../../clients/transport.ts'
import { vcsAgentPoolOf } from '../../schemas/hosts.ts'
import { usableSpaces } from '../../schemas/rules/usable-spaces.ts'
import type { SpaceTree } from '../core/authorise.ts'
import type { Database } from '../store/tables.ts'
import { findVcsAgentPoolRow } from '../store/vcs-agent-pools.ts'
import type { BitbucketAccess } from './bitbucket-access.ts'
import { checkCertificates } from './integration-certificates.ts'
import { invalidField } from './invalid-field.ts'

/** Where an integration calls its Bitbucket, and shows it. */
export interface IntegrationHosts {
  readonly apiHost: string
  readonly userFacingHost: string | null
  readonly caCertPem: string | null
  /** The space of the integration: it may use the pools of this space, and of those that it inherits from. */
  readonly spaceId: string
}

/**
 * Refuses hosts that cannot work (R19, R102, S32): an address that the server never calls, a VCS agent pool that the
 * space may not use, and a private one that people could not open without an address of their own. Gives the row id of
 * the pool; null where the host is public.
 */
export async function checkHosts(
  db: Database,
  access: Pick<BitbucketAccess, 'checkHost'>,
  { apiHost, userFacingHost, caCertPem, spaceId }: IntegrationHosts,
  tree: SpaceTree,
): Promise<string | null> {
  checkCertificates(caCertPem)
  const place = vcsAgentPoolOf(apiHost)
  if (place) {
    if (userFacingHost === null) {
      throw invalidField('/userFacingHost', 'required where apiHost is private: people need an address to open')
    }
    if (caCertPem !== null) {
      throw invalidField('/caCertPem', 'not with a private apiHost: the VCS agent has the certificates')
    }
    const pool = await findVcsAgentPoolRow(db, place.pool)
    if (pool && usableSpaces(spaceId, tree).includes(pool.space_id)) return pool.id
    throw invalidField(
      '/apiHost',
      `there is no VCS agent pool named "${place.pool}" that the space "${spaceId}" may use`,
    )
  }
  try {
    access.checkHost(apiHost)
    return null
  } catch (error) {
    if (!(error instanceof TransportError)) throw error
    const detail = 'the server must not send requests to this address (loopback, link-local or its own)'
    throw invalidField('/apiHost', detail)
  }
}
