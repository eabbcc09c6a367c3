import { createHmac, randomUUID } from 'node:crypto'
import { type PushedRepository, pushBody } from './processing.ts'
import type { TestServer } from './server.ts'

/** Delivers a push to the server as Bitbucket does, signed with the integration's secret, and waits for its verdict. */
export async function deliverPush(
  server: TestServer,
  integrationId: string,
  repository: PushedRepository,
  changes: Parameters<typeof pushBody>[1],
): Promise<{ readonly verdict: string | null; readonly reason: string | null }> {
  await sendPush(server, integrationId, repository, changes)
  const deadline = Date.now() + 15_000
  for (;;) {
    const row = await server.db.selectFrom('delivery').selectAll().orderBy('id', 'desc').executeTakeFirstOrThrow()
    if (row.state === 'processed') return { verdict: row.verdict, reason: row.reason }
    if (Date.now() > deadline) throw new Error(`The delivery was not processed: ${row.detail}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The same, without waiting. */
export async function sendPush(
  server: TestServer,
  integrationId: string,
  repository: PushedRepository,
  changes: Parameters<typeof pushBody>[1],
): Promise<void> {
  const { secret } = await server.root.call('readWebhookCredentials', { params: { id: integrationId } })
  const body = pushBody(repository, changes)
  const answer = await fetch(`${server.url}/webhooks/bitbucket-datacenter/${integrationId}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-event-key': 'repo:refs_changed',
      'x-request-id': randomUUID(),
      'x-hub-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  })
  if (answer.status !== 202) throw new Error(`The delivery was answered ${answer.status}: ${await answer.text()}`)
}
