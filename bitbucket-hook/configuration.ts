import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { UserFacingHost } from '../schemas/hosts.ts'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const

/** What becomes of the webhooks of repositories that are no longer attached (B32, B33). */
export const removalModes = ['guarded', 'confirmed', 'never'] as const

const Address = z
  .string()
  .transform((text) => text.replace(/\/+$/, ''))
  .pipe(UserFacingHost)
const File = z.string().min(1).max(4096)
const Secret = z.string().min(1).max(4096)
const HostAndPort = z.string().regex(/^(\[[0-9a-f:]+\]|[^\s:/[\]]+):\d{1,5}$/i, 'expected host:port')
const Flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** The secret variables: each can also be given as the path of a file, in the variable with `_FILE` behind its name. */
export const secretVariables = ['MOORING_API_KEY_SECRET', 'BITBUCKET_TOKEN'] as const

/** Every variable that the hook reads; its help is made from this. */
export const Environment = z.object({
  MOORING_ENDPOINT: Address.describe('The address of the Mooring server.'),
  MOORING_API_KEY_ID: z.uuid().describe('The id of an API key of the role webhook-registrar.'),
  MOORING_API_KEY_SECRET: Secret.describe('The secret of that API key.'),
  MOORING_CA_FILE: File.optional().describe(
    'PEM certificates that are trusted for the Mooring server, beside the public ones.',
  ),
  BITBUCKET_URL: Address.describe(
    'The address of Bitbucket Data Center, with its context path. Must be the API host URL of the integrations that this service looks after; the others are skipped, and say so.',
  ),
  BITBUCKET_TOKEN: Secret.describe(
    'An HTTP access token with REPO_ADMIN on the repositories. Sent to BITBUCKET_URL alone.',
  ),
  BITBUCKET_CA_FILE: File.optional().describe(
    'PEM certificates that are trusted for Bitbucket, beside the public ones. Has nothing to do with the certificate check of the webhooks themselves.',
  ),
  MOORING_HOOK_INTERVAL_SECONDS: z.coerce
    .number()
    .min(1)
    .max(86_400)
    .default(300)
    .describe('The shortest time between the starts of two sweeps.'),
  MOORING_HOOK_CALLS_PER_SECOND: z.coerce
    .number()
    .min(0.1)
    .max(1000)
    .default(5)
    .describe('How many requests Bitbucket gets per second at most.'),
  MOORING_HOOK_BURST: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(60)
    .describe('The size of the rate limit bucket that Bitbucket gives the token’s user.'),
  MOORING_HOOK_IN_FLIGHT: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(4)
    .describe('How many requests to Bitbucket are under way at once.'),
  MOORING_HOOK_EVENTS_POLICY: z
    .enum(['at-least', 'exact'])
    .default('at-least')
    .describe('`at-least` keeps events that somebody added to our webhook, `exact` removes them.'),
  MOORING_HOOK_ADOPT: Flag.default(true).describe(
    'Whether a webhook that somebody made by hand at our address becomes ours; `false` only reports it.',
  ),
  MOORING_HOOK_RESPECT_DISABLED: Flag.default(false).describe(
    'Whether a webhook that somebody switched off stays off.',
  ),
  MOORING_HOOK_REMOVALS: z
    .enum(removalModes)
    .default('guarded')
    .describe(
      'What becomes of our webhooks in repositories that are no longer attached: `guarded` removes them unless they are suspiciously many (more than 5 and more than 20 % of all, or all), `confirmed` removes them however many they are, `never` keeps them.',
    ),
  MOORING_HOOK_LISTEN: HostAndPort.default('127.0.0.1:0').describe(
    'Where `serve` answers /healthz and /metrics, as host:port; port 0 takes a free one, which is printed.',
  ),
  MOORING_HOOK_LOG_LEVEL: z.enum(logLevels).default('info').describe('The least level that is logged.'),
})

export interface Configuration {
  readonly mooring: {
    readonly endpoint: string
    readonly keyId: string
    readonly keySecret: string
    readonly certificateAuthorities: string | undefined
  }
  readonly bitbucket: {
    readonly url: string
    readonly token: string
    readonly certificateAuthorities: string | undefined
    readonly callsPerSecond: number
    readonly burst: number
    readonly inFlight: number
  }
  readonly intervalMs: number
  readonly policy: {
    readonly eventsPolicy: 'at-least' | 'exact'
    readonly adopt: boolean
    readonly respectDisabled: boolean
  }
  readonly removals: (typeof removalModes)[number]
  readonly listen: { readonly host: string; readonly port: number }
  readonly logLevel: (typeof logLevels)[number]
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/**
 * Reads the configuration from the environment; an empty variable counts as absent. It fails at start-up with every
 * wrong variable named, and never with a value (B48).
 */
export function readConfiguration(env: NodeJS.ProcessEnv): Configuration {
  const issues: Issue[] = []
  const readFile = (variable: string, path: string) => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      issues.push({ path: [variable], message: `the file cannot be read (${code})` })
      return undefined
    }
  }
  const values: Record<string, string> = {}
  for (const name of Object.keys(Environment.shape)) {
    if (env[name]) values[name] = env[name]
  }
  for (const name of secretVariables) {
    const path = env[`${name}_FILE`]
    if (!path) continue
    if (values[name] === undefined) values[name] = readFile(`${name}_FILE`, path)?.replace(/\r?\n$/, '') ?? ' '
    else issues.push({ path: [`${name}_FILE`], message: `set together with ${name}: give one of the two` })
  }
  const parsed = Environment.safeParse(values)
  const authorities = (name: 'MOORING_CA_FILE' | 'BITBUCKET_CA_FILE') =>
    values[name] === undefined ? undefined : readFile(name, values[name])
  const mooringAuthorities = authorities('MOORING_CA_FILE')
  const bitbucketAuthorities = authorities('BITBUCKET_CA_FILE')
  const wrong = [...issues, ...(parsed.error?.issues ?? [])]
  if (wrong.length > 0 || !parsed.success) {
    const lines = wrong.map(({ path, message }) => {
      const name = path.map(String).join('.')
      return `  ${name}: ${env[name] || name.endsWith('_FILE') ? message : 'is required'}`
    })
    throw new Error(
      `The environment is not valid:\n${lines.join('\n')}\nbitbucket-hook --help describes every variable.`,
    )
  }
  return toConfiguration(parsed.data, mooringAuthorities, bitbucketAuthorities)
}

/** One sentence for each setting that is dangerous outside tests. */
export function dangersOf({ mooring, bitbucket, listen, removals }: Configuration): string[] {
  return [
    ...(isOpen(mooring.endpoint) ? ['MOORING_ENDPOINT is http: webhook secrets travel unencrypted.'] : []),
    ...(isOpen(bitbucket.url) ? ['BITBUCKET_URL is http: the access token travels unencrypted.'] : []),
    ...(isLoopback(listen.host) ? [] : ['MOORING_HOOK_LISTEN is reached by others: whoever reaches it reads metrics.']),
    ...(removals === 'confirmed' ? ['MOORING_HOOK_REMOVALS is confirmed: nothing holds back a mass removal.'] : []),
  ]
}

function toConfiguration(
  values: z.output<typeof Environment>,
  mooringAuthorities: string | undefined,
  bitbucketAuthorities: string | undefined,
): Configuration {
  const separator = values.MOORING_HOOK_LISTEN.lastIndexOf(':')
  return {
    mooring: {
      endpoint: values.MOORING_ENDPOINT,
      keyId: values.MOORING_API_KEY_ID,
      keySecret: values.MOORING_API_KEY_SECRET,
      certificateAuthorities: mooringAuthorities,
    },
    bitbucket: {
      url: values.BITBUCKET_URL,
      token: values.BITBUCKET_TOKEN,
      certificateAuthorities: bitbucketAuthorities,
      callsPerSecond: values.MOORING_HOOK_CALLS_PER_SECOND,
      burst: values.MOORING_HOOK_BURST,
      inFlight: values.MOORING_HOOK_IN_FLIGHT,
    },
    intervalMs: values.MOORING_HOOK_INTERVAL_SECONDS * 1000,
    policy: {
      eventsPolicy: values.MOORING_HOOK_EVENTS_POLICY,
      adopt: values.MOORING_HOOK_ADOPT,
      respectDisabled: values.MOORING_HOOK_RESPECT_DISABLED,
    },
    removals: values.MOORING_HOOK_REMOVALS,
    listen: {
      host: values.MOORING_HOOK_LISTEN.slice(0, separator).replace(/^\[|\]$/g, ''),
      port: Number(values.MOORING_HOOK_LISTEN.slice(separator + 1)),
    },
    logLevel: values.MOORING_HOOK_LOG_LEVEL,
  }
}

function isOpen(address: string): boolean {
  return address.startsWith('http:') && !isLoopback(new URL(address).hostname)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127\./.test(host)
}
