import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type OperationId, operations } from '../../schemas/api.ts'
import { databases } from '../support/databases.ts'
import { findSecrets } from '../support/secret-search.ts'
import { startServerProcess } from '../support/server-process.ts'
import { openScene } from './sinks-scene.ts'

/** What each of these answers is there to show; every other answer shows none of the secrets. */
const revealing: Partial<Record<OperationId, readonly string[]>> = {
  createToken: ['token of root'],
  createApiKey: ['API key secret'],
  createSession: ['session cookie', 'CSRF token'],
  getSession: ['CSRF token'],
  readIntegrationDetails: ['webhook secret'],
  readWebhookCredentials: ['webhook secret'],
  listWebhookTargets: ['webhook secret'],
}

for (const database of databases) {
  describe(database.name, () => {
    test('S46 R10 no sink holds a secret, in any form, after every operation and failure', async () => {
      const scene = await openScene(database)
      await scene.playEverything()

      const files = await scene.close()

      const { secrets, answers, server } = scene
      expect([...scene.played].sort()).toEqual(Object.keys(operations).sort())
      expect(Object.keys(secrets).sort()).toEqual(
        [
          'API key secret',
          'CSRF token',
          'access token',
          'administration token',
          'bootstrap key',
          'brought API key secret',
          'new access token',
          'old sealing key',
          'sealing key',
          'secret of a user’s key',
          'session cookie',
          'signed body’s secret',
          'token of a person',
          'token of root',
          'webhook secret',
          'wrong access token',
          'wrong API key secret',
          'wrong token',
        ].sort(),
      )
      expect(findSecrets(secrets, { stdout: server.stdout(), stderr: server.stderr(), ...files })).toEqual([])
      for (const { operation, text } of answers) {
        const shown = findSecrets(secrets, { answer: text }).filter(
          ({ secret }) => !revealing[operation as OperationId]?.includes(secret),
        )
        expect(shown, `${operation}: ${text.slice(0, 200)}`).toEqual([])
      }
      // The control: the same search finds what is there.
      expect(findSecrets(secrets, { bitbucket: scene.bitbucketSaw() }).map(({ secret }) => secret)).toContain(
        'access token',
      )
      expect(Object.keys(files)).toContain('audit export --format csv')
      expect(files['audit export']).toContain('webhook_secret.reveal')
      expect(files['keys rotate']).toContain('open with the key')
      expect(server.stdout()).toContain('request failed')
      expect(answers.filter(({ operation }) => revealing[operation as OperationId]).length).toBeGreaterThan(4)
    })
  })
}

test('S46 a database that cannot be reached is named without its password', async () => {
  const password = randomBytes(16).toString('hex')
  const folder = mkdtempSync(join(tmpdir(), 'mooring-sinks-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const url = `postgres://mooring:${password}@127.0.0.1:1/mooring`
  const key = randomBytes(32).toString('base64')

  const server = startServerProcess({ MOORING_DATABASE_URL: url, MOORING_ENCRYPTION_KEY: key }, folder)

  expect(await server.ended()).toBe(1)
  expect(server.stderr()).not.toBe('')
  const sinks = { stdout: server.stdout(), stderr: server.stderr() }
  expect(findSecrets({ 'database password': password, 'sealing key': key }, sinks)).toEqual([])
})
