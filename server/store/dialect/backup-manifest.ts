import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import * as z from 'zod'
import { type SealerKeys, sealingKeyId } from '../../core/sealer.ts'
import { writePrivateFile } from './durable-files.ts'

const Facts = z.object({
  format: z.literal(1),
  kind: z.enum(['sqlite', 'postgres']),
  /** The moment in time that the backup equals. */
  takenAt: z.iso.datetime(),
  version: z.string(),
  instanceId: z.string(),
  migrations: z.array(z.string()),
  rows: z.record(z.string(), z.int()),
  size: z.int(),
  sha256: z.string(),
  /** The sealing key that the installation had: its id, never the key. */
  keyId: z.string(),
})

/** What is known of a backup, beside it in `<backup>.manifest.json`. It holds no secret. */
const Manifest = Facts.extend({
  /** HMAC of everything above under a key derived from the sealing key: nobody without it can change a backup. */
  mac: z.string(),
})
export type BackupFacts = z.infer<typeof Facts>

export function manifestFile(backup: string): string {
  return `${backup}.manifest.json`
}

/** Writes the manifest, 0600 and flushed. */
export function writeManifest(backup: string, facts: BackupFacts, key: Uint8Array): void {
  const manifest = { ...facts, mac: macOf(facts, key) }
  writePrivateFile(manifestFile(backup), `${JSON.stringify(manifest, null, 2)}\n`)
}

/**
 * Reads the manifest and proves it with the key that it names (R210a). Throws, naming the key's id, where that key is
 * not among `keys`; undefined where there is no manifest.
 */
export function readManifest(backup: string, keys: SealerKeys): BackupFacts | undefined {
  const text = readIfThere(manifestFile(backup))
  if (text === undefined) return undefined
  const parsed = Manifest.safeParse(parse(text))
  if (!parsed.success)
    throw new Error(`${manifestFile(backup)} is not the manifest of a backup, or of a newer release.`)
  const { mac, ...facts } = parsed.data
  const key = [keys.current, ...keys.old].find((candidate) => sealingKeyId(candidate) === facts.keyId)
  if (key === undefined) {
    throw new Error(
      `The backup was sealed with the key ${facts.keyId}; the key given is ${sealingKeyId(keys.current)}. Nothing was written. Set MOORING_ENCRYPTION_KEY to the key ${facts.keyId}, or list it in MOORING_OLD_ENCRYPTION_KEYS.`,
    )
  }
  const [given, expected] = [Buffer.from(mac, 'hex'), Buffer.from(macOf(facts, key), 'hex')]
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new Error(`${manifestFile(backup)} was changed after the backup was made: take another backup.`)
  }
  return facts
}

/** The digest of a file of any size, in hex. */
export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

function macOf(facts: BackupFacts, key: Uint8Array): string {
  const { format, kind, takenAt, version, instanceId, migrations, size, sha256, keyId } = facts
  const rows = Object.entries(facts.rows).sort(([a], [b]) => (a < b ? -1 : 1))
  const text = JSON.stringify([format, kind, takenAt, version, instanceId, migrations, rows, size, sha256, keyId])
  const macKey = hkdfSync('sha256', key, '', 'mooring backup manifest', 32)
  return createHmac('sha256', Buffer.from(macKey)).update(text).digest('hex')
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
