import {
  createSpace,
  deleteSpace,
  getSpace,
  listSpaces,
  type SpaceDependencies,
  updateSpace,
} from '../../services/spaces.ts'
import type { Handlers } from '../handlers.ts'

export function spaceHandlers(
  dependencies: SpaceDependencies,
): Pick<Handlers, 'createSpace' | 'listSpaces' | 'getSpace' | 'updateSpace' | 'deleteSpace'> {
  return {
    createSpace: ({ body }, { caller }) => createSpace(dependencies, caller, body),
    listSpaces: ({ query }, { caller }) => listSpaces(dependencies, caller, query),
    getSpace: ({ params }, { caller }) => getSpace(dependencies, caller, params.id),
    updateSpace: ({ params, query, body }, { caller, ifMatch }) =>
      updateSpace(dependencies, caller, params.id, body, query, ifMatch),
    deleteSpace: async ({ params }, { caller, ifMatch }) => {
      await deleteSpace(dependencies, caller, params.id, ifMatch)
      return undefined
    },
  }
}
