import { attachStack, detachStack, getAttachment, replaceAttachment } from '../../services/attachments.ts'
import type { Installation } from '../../services/installation.ts'
import { createStack, deleteStack, getStack, listStacks, updateStack } from '../../services/stacks.ts'
import type { Handlers } from '../handlers.ts'

export function stackHandlers(
  installation: Installation,
): Pick<Handlers, 'createStack' | 'listStacks' | 'getStack' | 'updateStack' | 'deleteStack'> {
  return {
    createStack: ({ query, body }, { caller }) => createStack(installation, caller, body, query.skipVerification),
    listStacks: ({ query }) => listStacks(installation, query),
    getStack: ({ params }) => getStack(installation, params.id),
    updateStack: ({ params, query, body }, { caller }) =>
      updateStack(installation, caller, params.id, body, query.skipVerification),
    deleteStack: async ({ params }, { caller }) => {
      await deleteStack(installation, caller, params.id)
      return undefined
    },
  }
}

export function attachmentHandlers(
  installation: Installation,
): Pick<Handlers, 'attachStack' | 'getAttachment' | 'replaceAttachment' | 'detachStack'> {
  return {
    attachStack: ({ params, query, body }, { caller }) =>
      attachStack(installation, caller, params.id, body, query.skipVerification),
    getAttachment: ({ params }) => getAttachment(installation, params.id),
    replaceAttachment: ({ params, query, body }, { caller }) =>
      replaceAttachment(installation, caller, params.id, body, query.skipVerification),
    detachStack: async ({ params }, { caller }) => {
      await detachStack(installation, caller, params.id)
      return undefined
    },
  }
}
