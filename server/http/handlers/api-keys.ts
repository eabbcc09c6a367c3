import { createApiKey, getApiKey, listApiKeys, revokeApiKey, updateApiKey } from '../../services/api-keys.ts'
import type { Installation } from '../../services/installation.ts'
import { createToken, type TokenDependencies } from '../../services/tokens.ts'
import type { Handlers } from '../handlers.ts'

export function apiKeyHandlers(
  installation: Installation,
  tokens: TokenDependencies,
): Pick<Handlers, 'createToken' | 'createApiKey' | 'listApiKeys' | 'getApiKey' | 'updateApiKey' | 'revokeApiKey'> {
  return {
    createToken: ({ body }, { remoteAddress }) => createToken(tokens, remoteAddress, body),
    createApiKey: ({ body }, { caller }) => createApiKey(installation, caller, body),
    listApiKeys: ({ query }, { caller }) => listApiKeys(installation, caller, query),
    getApiKey: ({ params }, { caller }) => getApiKey(installation, caller, params.id),
    updateApiKey: ({ params, body }, { caller, ifMatch }) =>
      updateApiKey(installation, caller, params.id, body, ifMatch),
    revokeApiKey: async ({ params }, { caller, ifMatch }) => {
      await revokeApiKey(installation, caller, params.id, ifMatch)
      return undefined
    },
  }
}
