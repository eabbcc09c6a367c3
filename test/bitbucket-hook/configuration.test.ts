import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { dangersOf, Environment, readConfiguration } from '../../bitbucket-hook/configuration.ts'

const least = {
  MOORING_ENDPOINT: 'https://mooring.example.com/',
  MOORING_API_KEY_ID: '0b6d6b0e-0000-4000-8000-000000000001',
  MOORING_API_KEY_SECRET: 'key-secret',
  BITBUCKET_URL: 'https://git.example.com/bitbucket',
  BITBUCKET_TOKEN: 'token',
}

test('B48 the least that is needed gives the documented defaults', () => {
  expect(readConfiguration({ ...least, MOORING_CA_FILE: '' })).toMatchObject({
    mooring: { endpoint: 'https://mooring.example.com', certificateAuthorities: undefined },
    bitbucket: { url: 'https://git.example.com/bitbucket', callsPerSecond: 5, burst: 60, inFlight: 4 },
    intervalMs: 300_000,
    policy: { eventsPolicy: 'at-least', adopt: true, respectDisabled: false },
    removals: 'guarded',
    listen: { host: '127.0.0.1', port: 0 },
  })
})

test('B48 a secret may come from a file, and from one place alone', async () => {
  const path = join(tmpdir(), `hook-token-${randomUUID()}`)
  await writeFile(path, 'from a file\n')
  onTestFinished(() => rm(path))
  const { BITBUCKET_TOKEN: _, ...without } = least

  expect(readConfiguration({ ...without, BITBUCKET_TOKEN_FILE: path }).bitbucket.token).toBe('from a file')
  expect(() => readConfiguration({ ...least, BITBUCKET_TOKEN_FILE: path })).toThrow(
    /BITBUCKET_TOKEN_FILE: set together/,
  )
  expect(() => readConfiguration({ ...without, BITBUCKET_TOKEN_FILE: '/nowhere' })).toThrow(
    /^The environment is not valid:\n {2}BITBUCKET_TOKEN_FILE: the file cannot be read \(ENOENT\)\nbitbucket-hook/,
  )
})

test('B48 every wrong variable is named, and none of their values', () => {
  const wrong = {
    ...least,
    BITBUCKET_URL: 'https://me:pass@host',
    MOORING_HOOK_BURST: 'lots',
    MOORING_HOOK_LISTEN: 'x',
  }

  expect(() => readConfiguration(wrong)).toThrow(/BITBUCKET_URL.*MOORING_HOOK_BURST.*MOORING_HOOK_LISTEN/s)
  expect(() => readConfiguration(wrong)).not.toThrow(/me:pass|lots/)
})

test('every variable is described', () => {
  for (const schema of Object.values(Environment.shape)) expect(schema.description).toMatch(/^[A-Z`].*\.$/)
})

test('what is dangerous outside tests is said', () => {
  const open = { ...least, MOORING_ENDPOINT: 'http://mooring.example.com', MOORING_HOOK_LISTEN: '0.0.0.0:9000' }

  expect(dangersOf(readConfiguration(open))).toHaveLength(2)
  expect(dangersOf(readConfiguration(least))).toEqual([])
})
