import { apiRevision, capabilities } from '../../../schemas/meta.ts'
import type { Installation } from '../../services/installation.ts'
import type { Handlers } from '../handlers.ts'

export function metaHandlers(installation: Installation, version: string, quiet: boolean): Pick<Handlers, 'getMeta'> {
  return {
    getMeta: async () => ({
      version,
      apiRevision,
      capabilities: [...capabilities],
      instanceId: installation.instanceId,
      publicUrl: installation.publicUrl() ?? null,
      quiet,
    }),
  }
}
