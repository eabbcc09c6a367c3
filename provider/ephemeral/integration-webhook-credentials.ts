import { Slug } from '../../schemas/text.ts'
import * as s from '../framework/attributes.ts'
import { conforms } from '../framework/conforms.ts'
import type { EphemeralResource } from '../framework/provider.ts'
import { getServer, type ProviderClient } from '../resources/provider-client.ts'

const schema = s.schema({
  description:
    'An integration’s webhook endpoint and secret, in neither plan nor state. Reading them is recorded in the audit log.',
  attributes: {
    integration_id: s.string({ required: true, validate: [conforms(Slug)], description: 'The integration.' }),
    url: s.string({ computed: true, description: 'The webhook endpoint.' }),
    secret: s.string({ computed: true, sensitive: true, description: 'The webhook secret.' }),
    version: s.int({ computed: true, description: 'Counts the secrets of the integration, from 1.' }),
  },
})

export const webhookCredentials: EphemeralResource<typeof schema, ProviderClient> = {
  typeName: 'mooring_integration_webhook_credentials',
  schema,

  async open({ integration_id }, { client }) {
    const request = { params: { id: integration_id } }
    const { url, secret, version } = await getServer(client).call('readWebhookCredentials', request)
    return { result: { integration_id, url, secret, version } }
  },
}
