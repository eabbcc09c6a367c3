import * as s from './framework/attributes.ts'
import type { Provider } from './framework/provider.ts'
import { providerVersion } from './version.ts'

const schema = s.schema({
  attributes: {
    endpoint: s.string({ optional: true, description: 'Address of the Mooring server.' }),
  },
})

/** What Terraform gets when it asks for `mooring/mooring`. */
export const mooringProvider: Provider<typeof schema, Record<string, never>> = {
  address: 'registry.terraform.io/mooring/mooring',
  version: providerVersion,
  schema,
  resources: [],
  dataSources: [],
  ephemeralResources: [],
  functions: [],
  async configure() {
    return {}
  },
}
