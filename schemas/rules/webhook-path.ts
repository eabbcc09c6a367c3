/** Everything below it is the webhook receiver's (R30). */
export const webhookPathPrefix = '/webhooks/bitbucket-datacenter/'

/** The address to enter in Bitbucket: the server's public URL, and the path that the integration's slug makes (R3). */
export function webhookEndpoint(publicUrl: string, integrationSlug: string): string {
  return publicUrl.replace(/\/+$/, '') + webhookPathPrefix + integrationSlug
}
