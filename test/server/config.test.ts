import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { dangersOf, readConfig, secretVariables } from '../../server/config.ts'

const key = Buffer.alloc(32, 7)

test('S75 R209 an empty environment is a safe server of its own', () => {
  const config = readConfig({})

  expect(config).toMatchObject({
    databaseUrl: 'sqlite:./mooring.db',
    listen: { host: '127.0.0.1', port: 8080 },
    publicUrl: undefined,
    bootstrapKey: undefined,
    allowedLoopback: [],
    metrics: 'closed',
  })
  expect(dangersOf(config)).toHaveLength(1)
})

test('R209 names every wrong variable at once, and no value', () => {
  const env = {
    MOORING_DATABASE_URL: 'mysql://planted',
    MOORING_PUBLIC_URL: 'planted',
    MOORING_LISTEN: 'planted',
    MOORING_ENCRYPTION_KEY: 'planted',
    MOORING_OLD_ENCRYPTION_KEYS: `${key.toString('base64')},planted`,
    MOORING_BOOTSTRAP_KEY: 'planted',
    MOORING_ALLOWED_LOOPBACK: 'planted',
    MOORING_METRICS: 'planted',
    MOORING_LOG_LEVEL: 'planted',
    MOORING_STOP_GRACE_SECONDS: 'planted',
  }

  const message = messageOf(() => readConfig(env))

  for (const name of Object.keys(env)) expect(message).toContain(name)
  expect(message).not.toContain('planted')
})

test('R209 PostgreSQL needs an encryption key', () => {
  expect(messageOf(() => readConfig({ MOORING_DATABASE_URL: 'postgres://u@h/d' }))).toContain('MOORING_ENCRYPTION_KEY')
})

test.for([
  { form: 'base64', text: key.toString('base64') },
  { form: 'base64url', text: key.toString('base64url') },
  { form: 'hex', text: key.toString('hex') },
])('R209 an encryption key is 32 bytes in $form', ({ text }) => {
  const config = readConfig({ MOORING_ENCRYPTION_KEY: text, MOORING_OLD_ENCRYPTION_KEYS: `${text}, ${text}` })

  expect(Buffer.from(config.encryptionKey ?? [])).toEqual(key)
  expect(config.oldEncryptionKeys).toHaveLength(2)
})

test('S44 every secret can be given as a file, and not in both ways', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const values: Record<(typeof secretVariables)[number], string> = {
    MOORING_DATABASE_URL: 'postgres://user:password@host/database',
    MOORING_DATABASE_LISTEN_URL: 'postgres://user:password@other/database',
    MOORING_ENCRYPTION_KEY: key.toString('base64'),
    MOORING_OLD_ENCRYPTION_KEYS: key.toString('hex'),
    MOORING_BOOTSTRAP_KEY: `0190a0a0-0000-7000-8000-000000000001:${'s'.repeat(43)}`,
  }
  const files = Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      writeFileSync(join(folder, name), `${value}\n`)
      return [`${name}_FILE`, join(folder, name)]
    }),
  )

  const fromFiles = readConfig(files)
  const both = messageOf(() => readConfig({ ...files, ...values }))
  const missing = messageOf(() => readConfig({ MOORING_ENCRYPTION_KEY_FILE: join(folder, 'none') }))

  expect(fromFiles).toEqual(readConfig(values))
  for (const name of secretVariables) expect(both).toContain(`${name}_FILE`)
  expect(missing).toMatch(/MOORING_ENCRYPTION_KEY_FILE.*ENOENT/)
})

test('S75 each dangerous setting has one warning', () => {
  const config = readConfig({
    MOORING_PUBLIC_URL: 'http://mooring.example.com',
    MOORING_LISTEN: '0.0.0.0:8080',
    MOORING_ALLOWED_LOOPBACK: '127.0.0.1:7990',
    MOORING_METRICS: 'open',
    MOORING_BOOTSTRAP_KEY: `0190a0a0-0000-7000-8000-000000000001:${'s'.repeat(43)}`,
  })

  const dangers = dangersOf(config)

  for (const name of ['PUBLIC_URL', 'ALLOWED_LOOPBACK', 'METRICS', 'BOOTSTRAP_KEY']) {
    expect(
      dangers.filter((danger) => danger.includes(name)),
      name,
    ).toHaveLength(1)
  }
})

function messageOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return String(error)
  }
  throw new Error('It did not throw.')
}
