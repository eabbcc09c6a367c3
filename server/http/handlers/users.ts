import type { Installation } from '../../services/installation.ts'
import { createUser, deleteUser, getMe, getUser, listUsers, updateUser } from '../../services/users.ts'
import type { Handlers } from '../handlers.ts'

export function userHandlers(
  installation: Installation,
): Pick<Handlers, 'getMe' | 'createUser' | 'listUsers' | 'getUser' | 'updateUser' | 'deleteUser'> {
  return {
    getMe: (_input, { caller, audience }) => getMe(installation, caller, audience),
    createUser: ({ body }, { caller }) => createUser(installation, caller, body),
    listUsers: ({ query }, { caller }) => listUsers(installation, caller, query),
    getUser: ({ params }, { caller }) => getUser(installation, caller, params.id),
    updateUser: ({ params, body }, { caller, ifMatch }) => updateUser(installation, caller, params.id, body, ifMatch),
    deleteUser: async ({ params }, { caller, ifMatch }) => {
      await deleteUser(installation, caller, params.id, ifMatch)
      return undefined
    },
  }
}
