import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { databases } from '../../../support/databases.ts'
import { createRanTable, listRan, openTestQueue, startJobProcess } from '../../../support/job-queues.ts'
import { needs } from '../../../support/left-out.ts'
import { startPooler } from '../../../support/pooler.ts'
import { sendWebhook } from '../../../support/receiver.ts'
import { openTestServer, type TestServerOptions } from '../../../support/server.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../../support/server-database.ts'

/** Starts a server with an integration, and drives it as many callers at once do. */
async function serve(databaseUrl: string, options: TestServerOptions = {}) {
  const server = await openTestServer(databaseUrl, options)
  onTestFinished(() => server.close())
  await server.root.call('createIntegration', {
    body: { name: 'VCS', apiHost: 'https://bitbucket.example.com', accessToken: 'a-token' },
  })
  const { secret } = await server.root.call('readWebhookCredentials', { params: { id: 'vcs' } })
  const drive = async (deliveries: number) => {
    const integration = { slug: 'vcs', secret }
    const sent = Array.from({ length: deliveries }, (_, n) => sendWebhook(server.url, integration, `{"n":${n}}`))
    const listed = Array.from({ length: 40 }, () => server.root.call('listIntegrations', { query: {} }))
    const answers = await Promise.all(sent)
    await Promise.all(listed)
    return answers.filter(({ status }) => status === 202).length
  }
  return { server, drive }
}

for (const database of databases.filter(({ name }) => name === 'postgres')) {
  describe('on PostgreSQL', () => {
    test('L36 a busy server holds at most ten connections, and one that listens', async () => {
      const url = await openTestDatabaseUrl(database)
      const { drive } = await serve(url)
      const watching = connectTestDatabase(await openTestDatabaseUrl(database))
      const name = new URL(url).pathname.slice(1)
      let most = 0
      let busy = true
      const watch = (async () => {
        while (busy) {
          const { rows } = await sql<{ count: number }>`
            select count(*) as count from pg_stat_activity where datname = ${name}`.execute(watching)
          most = Math.max(most, rows[0]?.count ?? 0)
          await sleep(5)
        }
      })()

      for (let round = 0; round < 3; round += 1) await drive(200)
      busy = false
      await watch
      const { rows } = await sql<{ listening: string }>`
        select query as listening from pg_stat_activity
        where datname = ${name} and application_name = 'mooring listen'`.execute(watching)

      expect(most).toBeGreaterThan(8)
      expect(most).toBeLessThanOrEqual(11)
      expect(rows).toEqual([{ listening: 'listen "jobs:insert"' }])
    })
  })

  needs('pgbouncer')('behind a pooler in transaction mode', () => {
    test('L36 the server migrates, stores, answers and does what is scheduled', async () => {
      const direct = await database.open()
      const through = await startPooler(direct)
      const { server, drive } = await serve(through, { databaseListenUrl: direct, preparedStatements: false })

      const stored = await drive(300)

      const db = connectTestDatabase(direct)
      const { rows } = await sql<{ count: number }>`select count(*) as count from delivery`.execute(db)
      expect([stored, rows[0]?.count]).toEqual([300, 300])
      const tasks = await db.selectFrom('job_schedule').select('task').execute()
      expect(tasks.length).toBeGreaterThan(0)
      await vi.waitFor(async () => {
        expect((await sql`select id from mooring_jobs.jobs`.execute(db)).rows).toEqual([])
      }, 8_000)
      expect(server.log()).not.toMatch(/prepared statement|"level":"error"/)
    })

    test('L36 jobs are heard of past it, run once in two processes, and those of a killed one run again', async () => {
      const direct = await openTestDatabaseUrl(database)
      const through = await startPooler(direct)
      const db = connectTestDatabase(through)
      await createRanTable(db)
      const times = { pollMs: 100, heartbeatMs: 200, silentMs: 1_000 }
      const stuck = await startJobProcess({ kind: 'run', url: through, times, holdMs: 60_000 })
      const { add, addKeyed, stop } = openTestQueue(db)
      await add(...['a', 'b', 'c', 'd'].map((name) => ({ task: 'short', payload: { name } })))
      await addKeyed({ task: 'slow', key: 'k', payload: { name: 'e' } })
      await vi.waitFor(async () => expect(await listRan(db)).toHaveLength(5), 5_000)
      stuck.kill()
      await stop()

      const ran: unknown[] = []
      const next = openTestQueue(db, {
        listenUrl: direct,
        times: { ...times, pollMs: 600_000 },
        run: async ({ payload }) => void ran.push(payload.name),
      })
      // Unlocking notifies nobody: the next that is added does.
      await sleep(2_500)
      await next.add(...Array.from({ length: 8 }, () => ({ task: 'short', payload: { name: 'new' } })), {
        task: 'slow',
        payload: { name: 'new' },
      })

      await vi.waitFor(
        () => expect(ran.filter((name) => name !== 'new').sort()).toEqual(['a', 'b', 'c', 'd', 'e']),
        5_000,
      )
      await vi.waitFor(() => expect(ran.filter((name) => name === 'new')).toHaveLength(9), 2_000)
    })
  })
}
