import { holdDatabase } from '../../server/store/dialect/hold-database.ts'
import { openDatabase } from '../../server/store/dialect/open-database.ts'
import { migrate } from '../../server/store/migrate.ts'
import { startReceiver } from './receiver.ts'

/**
 * A process that is nothing but the receiver: `node receiver-process.js <database URL>`. It migrates, prints one JSON
 * line with its port and the milliseconds it took to open the database, and serves until SIGTERM.
 */
const [, , databaseUrl] = process.argv
if (databaseUrl === undefined) throw new Error('usage: receiver-process <database URL>')

const startedAt = performance.now()
const hold = holdDatabase(databaseUrl)
const db = openDatabase(databaseUrl)
await migrate(db, Date.now())
await db.destroy()
const receiver = await startReceiver(databaseUrl)
const openMs = performance.now() - startedAt
process.stdout.write(`${JSON.stringify({ port: receiver.port, openMs })}\n`)

process.once('SIGTERM', () => {
  void receiver.stop().then(() => hold.release())
})
