import type { Integration } from '../../schemas/integration.ts'
import { slugify } from '../../schemas/rules/slug.ts'
import * as s from '../framework/attributes.ts'
import { at, DiagnosticError } from '../framework/diagnostics.ts'
import type { DataSource } from '../framework/provider.ts'
import { findIntegration } from '../resources/integration.ts'
import { getServer, type ProviderClient } from '../resources/provider-client.ts'

const schema = s.schema({
  description: 'An integration: by id, by name, or the default one where neither is given.',
  attributes: {
    id: s.string({ optional: true, computed: true, description: 'The slug of the name.' }),
    name: s.string({ optional: true, computed: true, description: 'The name.' }),
    is_default: s.bool({ computed: true, description: 'Whether every stack may use it.' }),
    space_id: s.string({ computed: true, description: 'The space that it lives in.' }),
    api_host: s.string({ computed: true, description: 'URL of Bitbucket.' }),
    user_facing_host: s.string({ computed: true, description: 'URL of Bitbucket in links that people see.' }),
    username: s.string({ computed: true, description: 'The user that the access token belongs to; may be empty.' }),
    labels: s.set('string', { computed: true, description: 'Labels, without order.' }),
    description: s.string({ computed: true, description: 'Markdown.' }),
    webhook_url: s.string({ computed: true, description: 'The webhook endpoint.' }),
    attached_stack_count: s.int({ computed: true, description: 'How many stacks are attached to it.' }),
    created_at: s.string({ computed: true, description: 'When it was created, RFC 3339.' }),
    updated_at: s.string({ computed: true, description: 'When it was last changed, RFC 3339.' }),
  },
})

export const integrationDataSource: DataSource<typeof schema, ProviderClient> = {
  typeName: 'mooring_bitbucket_datacenter_integration',
  schema,

  validate(config, { diagnostics }) {
    if (config.id !== null && config.name !== null) {
      diagnostics.error('Two ways to look it up', 'Set id or name, or neither for the default integration.', at('name'))
    }
  },

  async read(config, { client }) {
    const id = config.id ?? (config.name === null ? undefined : slugify(config.name))
    const found = id === undefined ? await findDefault(client) : await findIntegration(client, id)
    if (!found || (config.name !== null && found.name !== config.name)) throw notFound(config.id, config.name)
    return {
      id: found.id,
      name: found.name,
      is_default: found.isDefault,
      space_id: found.spaceId,
      api_host: found.apiHost,
      user_facing_host: found.userFacingHost,
      username: found.username,
      labels: found.labels,
      description: found.description,
      webhook_url: found.webhookUrl,
      attached_stack_count: await countStacks(client, found.id),
      created_at: found.createdAt,
      updated_at: found.updatedAt,
    }
  },
}

async function findDefault(client: ProviderClient): Promise<Integration | undefined> {
  const { items } = await getServer(client).call('listIntegrations', { query: { isDefault: 'true' } })
  return items[0]
}

async function countStacks(client: ProviderClient, integrationId: string): Promise<number> {
  let count = 0
  let cursor: string | undefined
  do {
    const page = await getServer(client).call('listStacks', { query: { integrationId, limit: 500, cursor } })
    count += page.items.length
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return count
}

function notFound(id: string | null, name: string | null): DiagnosticError {
  if (id !== null) return new DiagnosticError('No such integration', `No integration has the id "${id}".`, at('id'))
  if (name !== null) return new DiagnosticError('No such integration', `No integration is named "${name}".`, at('name'))
  return new DiagnosticError('No default integration', 'The server has no default integration. Set id or name.')
}
