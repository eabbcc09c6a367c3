import { capabilities } from '../../../schemas/meta.ts'
import type { Installation } from '../../services/installation.ts'
import type { Handlers } from '../handlers.ts'

/** Counts the changes of the API that a client may have to know of. */
const apiRevision = 1

export function metaHandlers(installation: Installation, version: string): Pick<Handlers, 'getMeta'> {
  return {
    getMeta: async () => ({
      version,
      apiRevision,
      capabilities: [...capabilities],
      instanceId: installation.instanceId,
      publicUrl: installation.publicUrl() ?? null,
    }),
  }
}
