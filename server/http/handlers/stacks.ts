import { attachStack, detachStack, getAttachment, replaceAttachment } from '../../services/attachments.ts'
import type { Installation } from '../../services/installation.ts'
import { stackKind } from '../../services/stack-view.ts'
import { createStack, deleteStack, getStack, listStacks, updateStack } from '../../services/stacks.ts'
import type { Handlers } from '../handlers.ts'

export function stackHandlers(
  installation: Installation,
): Pick<Handlers, 'createStack' | 'listStacks' | 'getStack' | 'updateStack' | 'deleteStack'> {
  return {
    createStack: ({ query, body }, { caller }) =>
      createStack(installation, caller, stackKind, body, query.skipVerification),
    listStacks: ({ query }, { caller }) => listStacks(installation, caller, stackKind, query),
    getStack: ({ params }, { caller }) => getStack(installation, caller, stackKind, params.id),
    updateStack: ({ params, query, body }, { caller, ifMatch }) =>
      updateStack(installation, caller, stackKind, params.id, body, query.skipVerification, ifMatch),
    deleteStack: async ({ params }, { caller, ifMatch }) => {
      await deleteStack(installation, caller, stackKind, params.id, ifMatch)
      return undefined
    },
  }
}

export function attachmentHandlers(
  installation: Installation,
): Pick<Handlers, 'attachStack' | 'getAttachment' | 'replaceAttachment' | 'detachStack'> {
  return {
    attachStack: ({ params, query, body }, { caller }) =>
      attachStack(installation, caller, stackKind, params.id, body, query.skipVerification),
    getAttachment: ({ params }, { caller }) => getAttachment(installation, caller, stackKind, params.id),
    replaceAttachment: ({ params, query, body }, { caller, ifMatch }) =>
      replaceAttachment(installation, caller, stackKind, params.id, body, query.skipVerification, ifMatch),
    detachStack: async ({ params }, { caller, ifMatch }) => {
      await detachStack(installation, caller, stackKind, params.id, ifMatch)
      return undefined
    },
  }
}
