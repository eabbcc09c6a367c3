import { createApiKey, listApiKeys, revokeApiKey } from '../../services/api-keys.ts'
import type { Installation } from '../../services/installation.ts'
import { createToken, type TokenDependencies } from '../../services/tokens.ts'
import type { Handlers } from '../handlers.ts'

export function apiKeyHandlers(
  installation: Installation,
  tokens: TokenDependencies,
): Pick<Handlers, 'createToken' | 'createApiKey' | 'listApiKeys' | 'revokeApiKey'> {
  return {
    createToken: ({ body }, { remoteAddress }) => createToken(tokens, remoteAddress, body),
    createApiKey: ({ body }, { caller }) => createApiKey(installation, caller, body),
    listApiKeys: ({ query }) => listApiKeys(installation, query),
    revokeApiKey: async ({ params }, { caller }) => {
      await revokeApiKey(installation, caller, params.id)
      return undefined
    },
  }
}
