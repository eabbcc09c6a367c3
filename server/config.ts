import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { UserFacingHost } from '../schemas/hosts.ts'
import { logLevels } from './core/logger.ts'
import { isNetwork } from './core/network.ts'
import { fileBesideDatabase } from './store/dialect/beside-database.ts'

const DatabaseUrl = z
  .string()
  .regex(/^(sqlite:.|postgres(ql)?:\/\/.)/, 'expected sqlite:<file> or postgres://<user>@<host>/<database>')
const PostgresUrl = z.string().regex(/^postgres(ql)?:\/\/./, 'expected postgres://<user>@<host>/<database>')
const EncryptionKey = z
  .string()
  .transform((text) => Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64'))
  .refine((key) => key.byteLength === 32, 'expected 32 bytes in base64 or hex, as `openssl rand -base64 32` gives')
  .transform((key): Uint8Array => key)
const BootstrapKey = z
  .string()
  .regex(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[\w-]{43,256}$/,
    'expected <UUID in lower case>:<secret of at least 32 random bytes in base64url>',
  )
  .transform((text) => ({ id: text.slice(0, 36), secret: text.slice(37) }))
const HostAndPort = z.string().regex(/^(\[[0-9a-f:]+\]|[^\s:/[\]]+):\d{1,5}$/i, 'expected host:port')

function listOf<Item extends z.ZodType<unknown, string>>(item: Item) {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(item))
}

/** The secret variables: each can also be given as the path of a file, in the variable with `_FILE` behind its name. */
export const secretVariables = [
  'MOORING_DATABASE_URL',
  'MOORING_DATABASE_LISTEN_URL',
  'MOORING_ENCRYPTION_KEY',
  'MOORING_OLD_ENCRYPTION_KEYS',
  'MOORING_BOOTSTRAP_KEY',
] as const

/** Every variable that the server reads; docs/configuration.md is generated from this. */
export const Environment = z.object({
  MOORING_DATABASE_URL: DatabaseUrl.default('sqlite:./mooring.db').describe(
    'Where everything is kept: `sqlite:<file>`, or `postgres://<user>:<password>@<host>/<database>` to run several servers.',
  ),
  MOORING_DATABASE_LISTEN_URL: PostgresUrl.optional().describe(
    'Where the one connection that hears notifications goes, when the database is reached through a pooler in transaction mode: past it.',
  ),
  MOORING_PREPARED_STATEMENTS: z
    .enum(['on', 'off'])
    .default('on')
    .describe('`off` for a pooler in transaction mode, which gives each statement another connection.'),
  MOORING_PUBLIC_URL: UserFacingHost.optional().describe(
    'The address at which Bitbucket and people reach the server; webhook endpoints are built from it.',
  ),
  MOORING_LISTEN: HostAndPort.default('127.0.0.1:8080').describe(
    'Host and port to listen on; port 0 takes a free one.',
  ),
  MOORING_ENCRYPTION_KEY: EncryptionKey.optional().describe(
    'The key that seals tokens and secrets: 32 bytes in base64 or hex. With SQLite it is made at the first start, in `<database>.key`; with PostgreSQL it is required.',
  ),
  MOORING_OLD_ENCRYPTION_KEYS: listOf(EncryptionKey)
    .default([])
    .describe('Keys that were used before, separated by commas; they open what they sealed.'),
  MOORING_BOOTSTRAP_KEY: BootstrapKey.optional().describe(
    'The key that may create the first root admin, as `<UUID>:<secret>`. When absent it is made at the first start.',
  ),
  MOORING_STATE_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('The folder for the bootstrap key; needed with PostgreSQL where there is no terminal.'),
  MOORING_TRUSTED_PROXIES: listOf(z.string().refine(isNetwork, 'expected addresses or networks, such as 10.0.0.0/8'))
    .default([])
    .describe(
      'The proxies in front of the server, by address or network, separated by commas. Only what they write into `X-Forwarded-For` is believed.',
    ),
  MOORING_SPACE_ADMINS: z
    .enum(['off', 'manage-subtree'])
    .default('off')
    .describe(
      '`manage-subtree` lets the Admins of a space create, move and delete spaces below it; otherwise root admins alone do.',
    ),
  MOORING_ALLOWED_LOOPBACK: listOf(HostAndPort)
    .default([])
    .describe('Addresses on this machine that may be called, as `host:port`, separated by commas. For tests.'),
  MOORING_ALLOWED_HOSTS: listOf(z.hostname())
    .optional()
    .describe('The only host names that may be called, separated by commas. When absent: all but forbidden addresses.'),
  MOORING_REPOSITORY_ACCESS: z
    .enum(['everything', 'nothing'])
    .default('everything')
    .describe(
      'What a new integration lends before its repositoryAccess is set: `everything` that its token reads, or `nothing` until it is granted.',
    ),
  MOORING_METRICS: z
    .enum(['closed', 'open'])
    .default('closed')
    .describe('`open` answers `/metrics` to everybody who reaches the port.'),
  MOORING_DISK_LOW_WATER_MIB: z.coerce
    .number()
    .int()
    .min(0)
    .default(1024)
    .describe(
      'With less free space than this (in MiB) under SQLite nothing but deliveries is written, and `mooring.db.reserve` keeps 64 MiB for the day when the disk is full. 0 turns both off.',
    ),
  MOORING_LOG_LEVEL: z.enum(logLevels).default('info').describe('The least level that is logged.'),
  MOORING_STOP_GRACE_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(10)
    .default(5)
    .describe('How long after a stop signal requests are still accepted, so that a load balancer notices first.'),
})

export interface Config {
  readonly databaseUrl: string
  /** Where notifications are heard; undefined: at `databaseUrl`. */
  readonly databaseListenUrl: string | undefined
  readonly preparedStatements: boolean
  readonly publicUrl: string | undefined
  readonly listen: { readonly host: string; readonly port: number }
  readonly encryptionKey: Uint8Array | undefined
  readonly oldEncryptionKeys: readonly Uint8Array[]
  readonly bootstrapKey: { readonly id: string; readonly secret: string } | undefined
  readonly stateDirectory: string | undefined
  readonly trustedProxies: readonly string[]
  readonly spaceAdmins: 'off' | 'manage-subtree'
  readonly allowedLoopback: readonly string[]
  readonly allowedHosts: readonly string[] | undefined
  readonly repositoryAccess: 'everything' | 'nothing'
  readonly metrics: 'closed' | 'open'
  readonly diskLowWaterMib: number
  readonly logLevel: (typeof logLevels)[number]
  readonly stopGraceSeconds: number
}

/**
 * Reads the configuration from the environment alone (R209); an empty variable counts as absent. It fails at
 * start-up with every wrong variable named, never later with one, and never with a value.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const { values, issues } = readSecretFiles(env)
  const parsed = Environment.safeParse(values)
  const wrong = parsed.success ? issues : [...issues, ...parsed.error.issues]
  const url = parsed.data?.MOORING_DATABASE_URL
  if (url !== undefined && needsKey(url) && parsed.data?.MOORING_ENCRYPTION_KEY === undefined) {
    wrong.push({ path: ['MOORING_ENCRYPTION_KEY'], message: 'required with PostgreSQL: `openssl rand -base64 32`' })
  }
  if (wrong.length > 0 || !parsed.success) {
    const lines = wrong.map(({ path, message }) => `  ${path.map(String).join('.')}: ${message}`)
    throw new Error(`The environment is not valid:\n${lines.join('\n')}`)
  }
  return toConfig(parsed.data)
}

/** One sentence for each setting that is dangerous outside tests (S75). */
export function dangersOf(config: Config): string[] {
  const isLocal = isLoopbackHost(config.listen.host)
  return [
    ...(config.publicUrl === undefined ? ['MOORING_PUBLIC_URL is not set: no integration can be created.'] : []),
    ...(config.publicUrl?.startsWith('http:') && !isLoopbackHost(new URL(config.publicUrl).hostname)
      ? ['MOORING_PUBLIC_URL is http: webhooks and tokens travel unencrypted.']
      : []),
    ...(config.allowedLoopback.length > 0 ? ['MOORING_ALLOWED_LOOPBACK lets the server call this machine.'] : []),
    ...(config.metrics === 'open' && !isLocal ? ['MOORING_METRICS is open: whoever reaches the port reads them.'] : []),
    ...(config.bootstrapKey ? ['MOORING_BOOTSTRAP_KEY is set: remove it once there is a root admin.'] : []),
  ]
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

function readSecretFiles(env: NodeJS.ProcessEnv): { values: Record<string, string>; issues: Issue[] } {
  const values: Record<string, string> = {}
  const issues: Issue[] = []
  for (const name of Object.keys(Environment.shape)) {
    if (env[name]) values[name] = env[name]
  }
  for (const name of secretVariables) {
    const path = env[`${name}_FILE`]
    if (!path) continue
    if (values[name] !== undefined) {
      issues.push({ path: [`${name}_FILE`], message: `set together with ${name}: give one of the two` })
      continue
    }
    try {
      values[name] = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      issues.push({ path: [`${name}_FILE`], message: `the file ${path} cannot be read (${code})` })
    }
  }
  return { values, issues }
}

/** Beside a database without a place of ours no key can be kept. */
function needsKey(databaseUrl: string): boolean {
  return fileBesideDatabase(databaseUrl, 'key') === undefined
}

function toConfig(values: z.output<typeof Environment>): Config {
  const separator = values.MOORING_LISTEN.lastIndexOf(':')
  return {
    databaseUrl: values.MOORING_DATABASE_URL,
    databaseListenUrl: values.MOORING_DATABASE_LISTEN_URL,
    preparedStatements: values.MOORING_PREPARED_STATEMENTS === 'on',
    publicUrl: values.MOORING_PUBLIC_URL,
    listen: {
      host: values.MOORING_LISTEN.slice(0, separator).replace(/^\[|\]$/g, ''),
      port: Number(values.MOORING_LISTEN.slice(separator + 1)),
    },
    encryptionKey: values.MOORING_ENCRYPTION_KEY,
    oldEncryptionKeys: values.MOORING_OLD_ENCRYPTION_KEYS,
    bootstrapKey: values.MOORING_BOOTSTRAP_KEY,
    stateDirectory: values.MOORING_STATE_DIR,
    trustedProxies: values.MOORING_TRUSTED_PROXIES,
    spaceAdmins: values.MOORING_SPACE_ADMINS,
    allowedLoopback: values.MOORING_ALLOWED_LOOPBACK,
    allowedHosts: values.MOORING_ALLOWED_HOSTS,
    repositoryAccess: values.MOORING_REPOSITORY_ACCESS,
    metrics: values.MOORING_METRICS,
    diskLowWaterMib: values.MOORING_DISK_LOW_WATER_MIB,
    logLevel: values.MOORING_LOG_LEVEL,
    stopGraceSeconds: values.MOORING_STOP_GRACE_SECONDS,
  }
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127\./.test(host)
}
