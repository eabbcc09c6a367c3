import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createSealer } from '../../../server/core/sealer.ts'
import { uuidv7 } from '../../../server/core/uuid-v7.ts'
import { resealAll } from '../../../server/services/reseal.ts'
import { emptyWal } from '../../../server/store/dialect/empty-wal.ts'
import { openSqliteConnection } from '../../../server/store/dialect/sqlite-connection.ts'
import { sqliteDeliveryBatches } from '../../../server/store/dialect/sqlite-delivery-batches.ts'
import { deleteIntegrationRow } from '../../../server/store/integrations.ts'
import { databases } from '../../support/databases.ts'
import { insertSealedIntegrations } from '../../support/sealed-rows.ts'
import { connectTestDatabase, openTestDatabaseUrl } from '../../support/server-database.ts'

const [sqlite] = databases

async function openScene() {
  if (!sqlite) throw new Error('There is no SQLite.')
  const url = await openTestDatabaseUrl(sqlite)
  const file = url.replace('sqlite:', '')
  const db = connectTestDatabase(url)
  const files = () => [file, `${file}-wal`].filter((each) => existsSync(each)).map((each) => readFileSync(each))
  const holds = (text: string) => files().some((content) => content.includes(text))
  return { file, db, holds }
}

test('S83 a deleted token and secret stand neither in the file nor in its log', async () => {
  const { db, holds } = await openScene()
  const sealer = createSealer({ current: randomBytes(32), old: [] })
  const ids = await insertSealedIntegrations(db, sealer, 300)
  const { access_token: token } = await db
    .selectFrom('integration')
    .select('access_token')
    .where('slug', '=', 'vcs-7')
    .executeTakeFirstOrThrow()
  const { secret } = await db
    .selectFrom('webhook_secret')
    .select('secret')
    .where('integration_id', '=', ids[7] ?? '')
    .executeTakeFirstOrThrow()
  await emptyWal(db)
  expect([token, secret].map(holds)).toEqual([true, true])

  await deleteIntegrationRow(db, ids[7] ?? '')
  await emptyWal(db)

  expect([token, secret].map(holds)).toEqual([false, false])
  expect(await db.selectFrom('integration').select('id').execute()).toHaveLength(299)
})

test('S83 S43 after a rotation nothing that the old key sealed stands in the file', async () => {
  const { db, holds } = await openScene()
  const keys = [randomBytes(32), randomBytes(32)] as const
  const before = createSealer({ current: keys[0], old: [] })
  await insertSealedIntegrations(db, before, 50)
  const tokens = await db.selectFrom('integration').select('access_token').execute()

  await resealAll({
    db,
    sealer: createSealer({ current: keys[1], old: [keys[0]] }),
    newest: createSealer({ current: keys[1], old: [] }),
    onProgress: () => undefined,
  })
  await emptyWal(db)

  expect(tokens.filter(({ access_token }) => holds(access_token))).toEqual([])
})

test('S83 the bodies of deleted deliveries are gone, small ones and those of many pages', async () => {
  const { file, db, holds } = await openScene()
  const batches = sqliteDeliveryBatches(file)
  const marks = [100, 5_000, 60_000].map((size) => ({ size, mark: randomBytes(24).toString('hex') }))
  const id = () => uuidv7(Date.now())
  await batches.store(
    marks.map(({ size, mark }) => ({
      id: id(),
      integrationId: id(),
      requestId: randomUUID(),
      bodyDigest: 'a'.repeat(64),
      receivedAt: 1,
      eventKey: 'repo:refs_changed',
      headers: '{}',
      secretVersion: 1,
      body: Buffer.from(`${'x'.repeat(size)}${mark}`),
    })),
  )
  await batches.close()
  expect(marks.map(({ mark }) => holds(mark))).toEqual([true, true, true])

  await db.deleteFrom('delivery').execute()
  await emptyWal(db)

  expect(marks.map(({ mark }) => holds(mark))).toEqual([false, false, false])
})

test('S83 the log is left alone while somebody reads an older state, and nobody waits', async () => {
  const { file, db, holds } = await openScene()
  const reader = openSqliteConnection(file)
  reader.exec('begin')
  reader.prepare('select count(*) from space').get()
  const mark = randomBytes(24).toString('hex')
  await db.updateTable('space').set({ description: mark }).execute()
  const startedAt = performance.now()

  await emptyWal(db)

  expect(performance.now() - startedAt).toBeLessThan(1_000)
  reader.exec('commit')
  reader.close()
  await db.updateTable('space').set({ description: '' }).execute()
  await emptyWal(db)
  expect(holds(mark)).toBe(false)
})
