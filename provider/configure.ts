import type { BitbucketClient } from '../clients/bitbucket/client.ts'
import { retryingTransport } from '../clients/retrying-transport.ts'
import { createServerClient, type ServerClient } from '../clients/server/client.ts'
import { systemClock } from '../clients/system-clock.ts'
import type { Transport } from '../clients/transport.ts'
import { openHttpsTransport } from '../clients/transport-https.ts'
import { at, DiagnosticError } from './framework/diagnostics.ts'
import type { ConfigOf, UnresolvedFields } from './framework/infer.ts'
import { isFullyKnown } from './framework/value.ts'
import type { providerSchema } from './provider-schema.ts'
import type { ProviderClient } from './resources/provider-client.ts'

type Config = ConfigOf<typeof providerSchema>
type Environment = Readonly<Record<string, string | undefined>>

/**
 * Makes the clients that the provider block and the environment describe, without any request. Undefined while a
 * value of the block is unknown.
 *
 * @throws DiagnosticError for half of a pair
 */
export function configureClients(
  block: UnresolvedFields<Config>,
  environment: Environment,
): ProviderClient | undefined {
  if (!isFullyKnown(block)) return undefined
  const config = block as Config
  return {
    server: configureServer(config, environment),
    bitbucket: configureBitbucket(config, environment),
    skipRemoteChecks: config.skip_remote_checks ?? environment.MOORING_SKIP_REMOTE_CHECKS === 'true',
    deletedIntegrations: new Set(),
  }
}

function configureServer(config: Config, env: Environment): ServerClient | undefined {
  const endpoint = config.endpoint ?? env.MOORING_ENDPOINT
  if (!endpoint) return undefined
  const keyId = config.api_key_id ?? env.MOORING_API_KEY_ID
  const keySecret = config.api_key_secret ?? env.MOORING_API_KEY_SECRET
  if (!keyId !== !keySecret) {
    throw new DiagnosticError(
      'Half an API key',
      `api_key_id and api_key_secret (MOORING_API_KEY_ID and MOORING_API_KEY_SECRET) belong together; ${keyId ? 'the secret' : 'the id'} is missing.`,
      at(keyId ? 'api_key_secret' : 'api_key_id'),
    )
  }
  const transport = open({
    authorities: config.ca_cert_pem ?? env.MOORING_CA_CERT_PEM,
    retries: config.max_retries ?? readCount(env, 'MOORING_MAX_RETRIES') ?? 4,
    timeoutSeconds: config.request_timeout_seconds ?? readCount(env, 'MOORING_REQUEST_TIMEOUT_SECONDS') ?? 60,
    proxy: env.HTTPS_PROXY ?? env.https_proxy,
    noProxy: env.NO_PROXY ?? env.no_proxy,
  })
  return createServerClient(transport, {
    endpoint,
    now: () => Date.now(),
    ...(keyId && keySecret ? { credentials: { keyId, keySecret } } : {}),
  })
}

function configureBitbucket(config: Config, env: Environment): BitbucketClient | undefined {
  const baseUrl = config.bitbucket?.base_url ?? env.BITBUCKET_URL
  const token = config.bitbucket?.token ?? env.BITBUCKET_TOKEN
  if (!token) return undefined
  if (!baseUrl) {
    throw new DiagnosticError(
      'A token without an address',
      'bitbucket.token (BITBUCKET_TOKEN) is set, and bitbucket.base_url (BITBUCKET_URL) is not.',
      at('bitbucket', 'base_url'),
    )
  }
  const transport = open({
    authorities: config.bitbucket?.ca_cert_pem ?? env.BITBUCKET_CA_CERT_PEM,
    retries: config.max_retries ?? readCount(env, 'MOORING_MAX_RETRIES') ?? 4,
    timeoutSeconds:
      config.bitbucket?.request_timeout_seconds ?? readCount(env, 'BITBUCKET_REQUEST_TIMEOUT_SECONDS') ?? 60,
    proxy: env.HTTPS_PROXY ?? env.https_proxy,
    noProxy: env.NO_PROXY ?? env.no_proxy,
  })
  return { transport, baseUrl: baseUrl.replace(/\/+$/, ''), token }
}

interface TransportSettings {
  readonly authorities: string | undefined
  readonly retries: number
  readonly timeoutSeconds: number
  readonly proxy: string | undefined
  readonly noProxy: string | undefined
}

function open({ authorities, retries, timeoutSeconds, proxy, noProxy }: TransportSettings): Transport {
  const { send } = openHttpsTransport({
    ...(authorities ? { certificateAuthorities: authorities } : {}),
    ...(proxy ? { proxy: { url: proxy, ...(noProxy ? { noProxy } : {}) } } : {}),
  })
  const timeoutMs = timeoutSeconds * 1000
  return retryingTransport((request) => send({ timeoutMs, ...request }), {
    clock: systemClock(),
    random: Math.random,
    tries: retries + 1,
    firstBackOffMs: 500,
    longestBackOffMs: 30_000,
    longestWaitMs: 60_000,
  })
}

function readCount(env: Environment, name: string): number | undefined {
  const text = env[name]
  if (!text) return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0) return value
  throw new DiagnosticError('Not a number', `${name} is ${JSON.stringify(text)}; expected a whole number.`)
}
