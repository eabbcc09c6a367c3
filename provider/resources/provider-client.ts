import type { BitbucketClient } from '../../clients/bitbucket/client.ts'
import type { ServerClient } from '../../clients/server/client.ts'
import { DiagnosticError } from '../framework/diagnostics.ts'

/** What the provider block made, as every resource gets it. */
export interface ProviderClient {
  /** Undefined where neither the block nor the environment names a server. */
  readonly server: ServerClient | undefined
  /** Undefined where there is no token for Bitbucket itself. */
  readonly bitbucket: BitbucketClient | undefined
  /** Saves without asking Bitbucket whether it is so. */
  readonly skipRemoteChecks: boolean
  /**
   * The integrations that this process has deleted. One of the same id that comes in its place has no attachments and
   * another secret: what names it must be written again, though nothing in its own plan differs.
   */
  readonly deletedIntegrations: Set<string>
}

/** @throws DiagnosticError that says how to name the server */
export function getServer(client: ProviderClient | undefined): ServerClient {
  if (client?.server) return client.server
  throw new DiagnosticError(
    'Mooring server not configured',
    'Set endpoint and an API key in the provider block, or MOORING_ENDPOINT, MOORING_API_KEY_ID and MOORING_API_KEY_SECRET in the environment.',
  )
}

/** @throws DiagnosticError that says how to give access to Bitbucket */
export function getBitbucket({ bitbucket }: ProviderClient): BitbucketClient {
  if (bitbucket) return bitbucket
  throw new DiagnosticError(
    'Bitbucket not configured',
    'This resource is written to Bitbucket itself. Set bitbucket.base_url and bitbucket.token in the provider block, or BITBUCKET_URL and BITBUCKET_TOKEN in the environment; the token needs admin permission on the repository.',
  )
}

/** The query that a write to the server takes where the user switched remote checks off. */
export function verification({ skipRemoteChecks }: ProviderClient): { skipVerification: 'true' | 'false' } {
  return { skipVerification: skipRemoteChecks ? 'true' : 'false' }
}
