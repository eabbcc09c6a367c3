import type { Sealer } from '../core/sealer.ts'
import { openAuditKey } from './audit-key.ts'
import { verifyAudit } from './audit-verify.ts'
import { hasTable } from './dialect/has-table.ts'
import { findSetting } from './settings.ts'
import type { Database } from './tables.ts'

/**
 * Proves that what a database holds can be used with these keys: one secret is opened, and the audit log's chain is
 * walked from its first row (F24). Throws with the first fault. Tables of an older release are taken as they are.
 */
export async function verifyContents(db: Database, sealer: Sealer): Promise<void> {
  const secret = await db.selectFrom('webhook_secret').select(['id', 'secret']).orderBy('id', 'desc').executeTakeFirst()
  if (secret) sealer.open({ table: 'webhook_secret', id: secret.id, column: 'secret' }, secret.secret)
  if (!(await hasTable(db, 'audit_head')) || (await findSetting(db, 'audit_key')) === undefined) return
  const { fault } = await verifyAudit(db, await openAuditKey(db, sealer))
  if (fault !== undefined) throw new Error(`The audit log does not verify: ${fault}`)
}
