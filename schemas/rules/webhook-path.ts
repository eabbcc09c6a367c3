import { slugify } from './slug.ts'

/** Everything below it is the webhook receiver's. */
export const webhookPathPrefix = '/webhooks/bitbucket-datacenter/'

/** The path at which an integration of this name receives its webhooks (R3, R30). */
export function webhookPath(integrationName: string): string {
  return webhookPathPrefix + slugify(integrationName)
}

/** The address to enter in Bitbucket: the server's public URL and the integration's path. */
export function webhookEndpoint(publicUrl: string, integrationSlug: string): string {
  return publicUrl.replace(/\/+$/, '') + webhookPathPrefix + integrationSlug
}
