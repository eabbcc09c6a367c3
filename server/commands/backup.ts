import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { createSealer } from '../core/sealer.ts'
import { requireCanary } from '../encryption-key.ts'
import { backupCall, takeBackup } from '../store/dialect/backup.ts'
import { countRows } from '../store/dialect/backup-contents.ts'
import { manifestFile } from '../store/dialect/backup-manifest.ts'
import { refuseNewerSchema } from '../store/schema-state.ts'
import { verifyContents } from '../store/verify-contents.ts'
import { readVersion } from '../version.ts'
import { megabytes, openCommandContext, requireEncryptionKeys, seconds } from './command-context.ts'

/** Adds `backup <file>` (R210a). */
export function addBackupCommand(program: Command): void {
  program
    .command('backup')
    .description('Write a verified backup while the server serves. It never holds the sealing key.')
    .argument('<file>', 'where the backup shall lie; nothing there is replaced')
    .action(backup)
}

/** Takes an online copy, proven before it has its name. */
async function backup(path: string): Promise<void> {
  const { config, now, print } = openCommandContext()
  const file = resolve(path)
  for (const taken of [file, manifestFile(file)]) {
    if (existsSync(taken)) throw new Error(`${taken} is there already: a backup replaces nothing.`)
  }
  const keys = requireEncryptionKeys(config)
  const sealer = createSealer(keys)
  const call = backupCall(config.databaseUrl, file)
  if (call !== undefined) print(`running: ${call}`)

  const startedAt = now()
  const facts = await takeBackup({
    databaseUrl: config.databaseUrl,
    file,
    keys,
    version: readVersion(),
    now,
    check: async ({ canary, migrations }, db) => {
      refuseNewerSchema(migrations, 'The database')
      if (canary === undefined) throw new Error('The database was never served: there is nothing to back up.')
      requireCanary(sealer, canary)
      await verifyContents(db, sealer)
    },
  })

  print(
    `backup: ${file}, ${megabytes(facts.size)}, ${countRows(facts.rows)} rows, mode 0600, with ${manifestFile(file)}`,
  )
  print(`verified: read to its end, rows counted, the sealing key ${facts.keyId} opens it, audit log whole`)
  print(`RPO: everything that was committed before ${facts.takenAt} is in it; what comes later is not`)
  print(`RTO: it took ${seconds(now() - startedAt)} to write and verify; a restore takes about as long`)
  print(`The sealing key is NOT in it. Without the key ${facts.keyId} no token or secret in it can be opened: keep the`)
  print('key elsewhere.')
}
