import { resolve } from 'node:path'
import type { Command } from 'commander'
import { createSealer } from '../core/sealer.ts'
import { requireCanary } from '../encryption-key.ts'
import { restoreBackup } from '../store/dialect/backup.ts'
import { countRows } from '../store/dialect/backup-contents.ts'
import { givenUp } from '../store/home.ts'
import { judgeMigrations, refuseNewerSchema } from '../store/schema-state.ts'
import { verifyContents } from '../store/verify-contents.ts'
import { openCommandContext, requireEncryptionKeys, seconds } from './command-context.ts'

/** Adds `restore <file>` (R210a, F24). */
export function addRestoreCommand(program: Command): void {
  program
    .command('restore')
    .description('Put a backup in place, once it is proven whole and the sealing key opens it. It starts quiet.')
    .argument('<file>', 'what `mooring-server backup` wrote, with its manifest beside it')
    .option('--replace', 'replace the data that is there')
    .option('--without-manifest', 'take a file that was made by hand, of which nothing says whether it is whole')
    .action(restore)
}

interface RestoreOptions {
  readonly replace?: boolean
  readonly withoutManifest?: boolean
}

/** Proves the backup, puts it in place whole, and leaves it quiet (S76). */
async function restore(path: string, options: RestoreOptions): Promise<void> {
  const { replace = false, withoutManifest = false } = options
  const { config, now, print } = openCommandContext()
  const file = resolve(path)
  const keys = requireEncryptionKeys(config)
  const sealer = createSealer(keys)

  const startedAt = now()
  const { contents, facts, kept } = await restoreBackup({
    databaseUrl: config.databaseUrl,
    file,
    keys,
    replace,
    withoutManifest,
    now,
    check: ({ canary, migrations }) => {
      refuseNewerSchema(migrations, 'The backup')
      if (canary === undefined) throw new Error('The backup has no sealed canary: it is not one of Mooring.')
      requireCanary(sealer, canary)
    },
    checkRestored: (db) => verifyContents(db, sealer),
    settings: { home: givenUp },
  })

  const took = now() - startedAt
  print(`restored: ${file}, ${countRows(contents.rows)} rows, into ${placeOf(config.databaseUrl)}`)
  print('verified: read to its end, rows counted, the sealing key opens it, audit log whole')
  if (facts) {
    const minutes = Math.round((now() - Date.parse(facts.takenAt)) / 60_000)
    print(`RPO: what came after ${facts.takenAt} is not in it (${minutes} min)`)
  }
  print(`RTO: ${seconds(took)} from the backup to a verified database`)
  if (kept !== undefined) print(`The database that was there is kept as ${kept}; remove it when you need it no more.`)
  if (judgeMigrations(contents.migrations) === 'older') print('It is of an older release: the next start migrates it.')
  print(
    'It starts QUIET: no call to Bitbucket, no run, no webhook. Look at it with `mooring-server serve`, and when the',
  )
  print('installation that it was taken from is stopped for good, start it with `mooring-server serve --take-over`.')
}

function placeOf(databaseUrl: string): string {
  return databaseUrl.startsWith('sqlite:') ? databaseUrl.slice('sqlite:'.length) : 'the PostgreSQL database'
}
