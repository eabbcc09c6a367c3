import { createServer } from 'node:http'
import { onTestFinished, vi } from 'vitest'
import { createSealer } from '../../server/core/sealer.ts'
import type { Database } from '../../server/store/tables.ts'
import { insertIntegrationOf, insertStack, pushBody } from './processing.ts'
import { sendWebhook, testSealingKey } from './receiver.ts'

/** A Bitbucket that takes every question and answers none: whoever asks it holds on to a delivery. */
export interface SilentBitbucket {
  /** What is put in front of a server so that it may ask. */
  readonly wrap: readonly string[]
  /** Delivers a push to the one repository that a stack follows. */
  push(serverUrl: string): Promise<void>
  /** Resolves once it was asked. */
  asked(): Promise<unknown>
  /** Lets the stack follow another repository: then Bitbucket need not be asked any more. */
  forgetStack(): Promise<void>
  delivery(): Promise<{ state: string; attempts: number; verdict: string | null; reason: string | null }>
}

const repository = { id: 7, key: 'INFRA', slug: 'network' }

/** Starts it, with an integration and a stack in the database; it ends with the test. */
export async function startSilentBitbucket(db: Database): Promise<SilentBitbucket> {
  let questions = 0
  const server = createServer(() => {
    questions += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  const host = `127.0.0.1:${address.port}`
  const integration = await insertIntegrationOf(db, 'silent', `http://${host}`)
  const sealer = createSealer({ current: testSealingKey, old: [] })
  const token = sealer.seal({ table: 'integration', id: integration.id, column: 'access_token' }, 'token')
  await db.updateTable('integration').set({ access_token: token }).where('id', '=', integration.id).execute()
  const stack = await insertStack(db, { slug: 'followed', integrationId: integration.id, repository })
  return {
    wrap: ['env', `MOORING_ALLOWED_LOOPBACK=${host}`],
    push: async (serverUrl) => {
      const body = pushBody(repository, [{ branch: 'main', from: null, to: 'a'.repeat(40) }])
      const { status } = await sendWebhook(serverUrl, integration, body)
      if (status !== 202) throw new Error(`The delivery was answered ${status}.`)
    },
    asked: () => vi.waitUntil(() => questions > 0, 10_000),
    forgetStack: async () => {
      const elsewhere = { repository_id: 8, repository_slug: 'other', repository_key: 'INFRA/other' }
      await db.updateTable('stack').set(elsewhere).where('id', '=', stack.id).execute()
    },
    delivery: () =>
      db.selectFrom('delivery').select(['state', 'attempts', 'verdict', 'reason']).executeTakeFirstOrThrow(),
  }
}
