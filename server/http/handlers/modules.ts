import { attachStack, detachStack, getAttachment, replaceAttachment } from '../../services/attachments.ts'
import type { Installation } from '../../services/installation.ts'
import { moduleKind } from '../../services/stack-view.ts'
import { createStack, deleteStack, getStack, listStacks, updateStack } from '../../services/stacks.ts'
import type { Handlers } from '../handlers.ts'

export function moduleHandlers(
  installation: Installation,
): Pick<
  Handlers,
  | 'createModule'
  | 'listModules'
  | 'getModule'
  | 'updateModule'
  | 'deleteModule'
  | 'attachModule'
  | 'getModuleAttachment'
  | 'replaceModuleAttachment'
  | 'detachModule'
> {
  return {
    createModule: ({ query, body }, { caller }) =>
      createStack(installation, caller, moduleKind, body, query.skipVerification),
    listModules: ({ query }, { caller }) => listStacks(installation, caller, moduleKind, query),
    getModule: ({ params }, { caller }) => getStack(installation, caller, moduleKind, params.id),
    updateModule: ({ params, query, body }, { caller, ifMatch }) =>
      updateStack(installation, caller, moduleKind, params.id, body, query.skipVerification, ifMatch),
    deleteModule: async ({ params }, { caller, ifMatch }) => {
      await deleteStack(installation, caller, moduleKind, params.id, ifMatch)
      return undefined
    },
    attachModule: ({ params, query, body }, { caller }) =>
      attachStack(installation, caller, moduleKind, params.id, body, query.skipVerification),
    getModuleAttachment: ({ params }, { caller }) => getAttachment(installation, caller, moduleKind, params.id),
    replaceModuleAttachment: ({ params, query, body }, { caller, ifMatch }) =>
      replaceAttachment(installation, caller, moduleKind, params.id, body, query.skipVerification, ifMatch),
    detachModule: async ({ params }, { caller, ifMatch }) => {
      await detachStack(installation, caller, moduleKind, params.id, ifMatch)
      return undefined
    },
  }
}
