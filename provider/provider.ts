import { configureClients } from './configure.ts'
import { integrationDataSource } from './data-sources/integration.ts'
import { webhookCredentials } from './ephemeral/integration-webhook-credentials.ts'
import type { Provider } from './framework/provider.ts'
import { parseBitbucketUrlFunction } from './functions/parse-bitbucket-url.ts'
import { providerSchema } from './provider-schema.ts'
import { bitbucketWebhook } from './resources/bitbucket-webhook.ts'
import { describeError } from './resources/describe-error.ts'
import { integration } from './resources/integration.ts'
import type { ProviderClient } from './resources/provider-client.ts'
import { space } from './resources/space.ts'
import { stack } from './resources/stack.ts'
import { stackVcsAttachment } from './resources/stack-vcs-attachment.ts'
import { providerVersion } from './version.ts'

/** What Terraform gets when it asks for `mooring/mooring`. */
export const mooringProvider: Provider<typeof providerSchema, ProviderClient> = {
  address: 'registry.terraform.io/mooring/mooring',
  version: providerVersion,
  schema: providerSchema,
  resources: [space, integration, stack, stackVcsAttachment, bitbucketWebhook],
  dataSources: [integrationDataSource],
  ephemeralResources: [webhookCredentials],
  functions: [parseBitbucketUrlFunction],
  async configure(config) {
    return configureClients(config, process.env)
  },
  describeError,
}
