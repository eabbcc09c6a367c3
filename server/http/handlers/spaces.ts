import type { Installation } from '../../services/installation.ts'
import { createSpace, deleteSpace, getSpace, listSpaces, updateSpace } from '../../services/spaces.ts'
import type { Handlers } from '../handlers.ts'

export function spaceHandlers(
  installation: Installation,
): Pick<Handlers, 'createSpace' | 'listSpaces' | 'getSpace' | 'updateSpace' | 'deleteSpace'> {
  return {
    createSpace: ({ body }, { caller }) => createSpace(installation, caller, body),
    listSpaces: ({ query }) => listSpaces(installation, query),
    getSpace: ({ params }) => getSpace(installation, params.id),
    updateSpace: ({ params, query, body }, { caller }) => updateSpace(installation, caller, params.id, body, query),
    deleteSpace: async ({ params }, { caller }) => {
      await deleteSpace(installation, caller, params.id)
      return undefined
    },
  }
}
