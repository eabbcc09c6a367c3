import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { type AuditKey, createAuditKey } from '../core/audit-chain.ts'
import type { SealedIdentity, Sealer } from '../core/sealer.ts'
import { findSetting, setOnce } from './settings.ts'
import type { Database } from './tables.ts'

/** The installation's audit key, as its setting holds it. */
export interface OpenedAuditKey extends AuditKey {
  /** So many rows an earlier release had written when the chain began. */
  readonly earlierRows: number
}

const identity: SealedIdentity = { table: 'setting', id: 'audit_key', column: 'value' }
const Setting = z.object({ secret: z.string(), earlierRows: z.int() })

/** By what a database, its transactions and its watched forms have in common. Ends with the connection. */
const held = new WeakMap<object, AuditKey>()

/**
 * Opens the key of the audit's chain, and lets this connection append with it. The key is random, made once for all
 * processes and sealed like any secret: when the encryption key is rotated it is sealed anew, and old rows still verify.
 */
export async function openAuditKey(db: Database, sealer: Sealer): Promise<OpenedAuditKey> {
  const sealed = (await findSetting(db, 'audit_key')) ?? (await setOnce(db, 'audit_key', await makeSetting(db, sealer)))
  const { secret, earlierRows } = Setting.parse(JSON.parse(sealer.open(identity, sealed)))
  const key = { ...createAuditKey(Buffer.from(secret, 'base64url')), earlierRows }
  holdAuditKey(db, key)
  return key
}

/** Lets `recordAudit` use the key on this connection and in its transactions. */
export function holdAuditKey(db: Database, key: AuditKey): void {
  held.set(db.getExecutor().adapter, key)
}

/** The key with which this connection appends. */
export function heldAuditKey(db: Database): AuditKey {
  const key = held.get(db.getExecutor().adapter)
  if (!key) throw new Error('The audit key of this database was not opened: nothing can be recorded.')
  return key
}

/** The number is sealed with the secret: else whoever adds a row by hand could have it chained at the next start. */
async function makeSetting(db: Database, sealer: Sealer): Promise<string> {
  const { count } = await db
    .selectFrom('audit')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('sequence', 'is', null)
    .executeTakeFirstOrThrow()
  const secret = randomBytes(32).toString('base64url')
  return sealer.seal(identity, JSON.stringify({ secret, earlierRows: Number(count) }))
}
