import type { Command } from 'commander'
import { createSealer, type SealerKeys, sealingKeyId } from '../core/sealer.ts'
import { countKeys, type ResealOutcome, resealAll } from '../services/reseal.ts'
import { withInstallation } from './open-installation.ts'
import { writeText } from './write-text.ts'

/** Adds `keys list` and `keys rotate` (S43), which may run while servers work. */
export function addKeysCommands(program: Command): void {
  const keys = program.command('keys').description('The keys that seal tokens and secrets.')
  keys
    .command('list')
    .description('List the encryption keys by their ids, and how many values each of them seals.')
    .option('--json', 'print the list as JSON')
    .action(list)
  keys
    .command('rotate')
    .description(
      'Seal everything with MOORING_ENCRYPTION_KEY, opening it with MOORING_OLD_ENCRYPTION_KEYS. Servers go on working; they must have been started with the same two variables. May be interrupted and started again.',
    )
    .action(rotate)
}

async function list({ json }: { readonly json?: true }): Promise<void> {
  await withInstallation(async ({ db, keys }) => {
    const counts = await countKeys(db)
    const roles = rolesOf(keys)
    const rows = [...new Set([...roles.keys(), ...counts.keys()])].map((keyId) => {
      const columns = Object.fromEntries(counts.get(keyId) ?? [])
      const values = Object.values(columns).reduce((sum, count) => sum + count, 0)
      return { keyId, role: roles.get(keyId) ?? 'missing', values, columns }
    })
    if (json) return writeText(`${JSON.stringify(rows)}\n`)
    const lines = rows.map(
      ({ keyId, role, values, columns }) =>
        `${keyId}  ${role.padEnd(7)}  ${String(values).padStart(8)}  ${Object.keys(columns).join(', ')}\n`,
    )
    return writeText(`${'KEY'.padEnd(16)}  ROLE       VALUES  WHERE\n${lines.join('')}`)
  })
}

/** `current` seals, `old` still opens, `missing` is wanted by values and was not given. */
function rolesOf({ current, old }: SealerKeys): Map<string, 'current' | 'old'> {
  const roles = new Map(old.map((key) => [sealingKeyId(key), 'old' as 'current' | 'old']))
  return roles.set(sealingKeyId(current), 'current')
}

async function rotate(): Promise<void> {
  await withInstallation(async ({ db, keys, sealer }) => {
    const newest = createSealer({ current: keys.current, old: [] })
    const outcome = await resealAll({
      db,
      sealer,
      newest,
      onProgress: (resealed) => {
        process.stderr.write(`sealed anew: ${resealed}\n`)
      },
    })
    const problem = problemOf(outcome)
    if (problem === undefined) return writeText(`${success(outcome, sealer.keyId, keys)}\n`)
    process.exitCode = 1
    return writeText(`${problem}\nKeep the old keys.\n`)
  })
}

function problemOf({ unopened, stillOld }: ResealOutcome): string | undefined {
  if (unopened.length > 0) {
    const more = unopened.length > 20 ? [`and ${unopened.length - 20} more`] : []
    return [`${unopened.length} values could not be opened:`, ...unopened.slice(0, 20), ...more].join('\n')
  }
  if (stillOld === 0) return undefined
  return `${stillOld} values are still sealed with an old key: a server seals with it. Restart every server with the new key in MOORING_ENCRYPTION_KEY and the old one in MOORING_OLD_ENCRYPTION_KEYS, then rotate again.`
}

function success({ resealed, verified }: ResealOutcome, keyId: string, { old }: SealerKeys): string {
  const done = `${resealed} values sealed anew; all ${verified} open with the key ${keyId} alone.`
  if (old.length === 0) return done
  const ids = old.map(sealingKeyId).join(', ')
  return `${done}\nThe old key may go (${ids}): remove MOORING_OLD_ENCRYPTION_KEYS and restart the servers; backups from before still need it.`
}
