import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { createCallScheduler } from '../../clients/call-scheduler.ts'
import { systemClock as callClock } from '../../clients/system-clock.ts'
import { openTrustingTransports } from '../../clients/transport-undici.ts'
import { readConfig } from '../config.ts'
import { systemClock } from '../core/clock.ts'
import { createFailureLimiter } from '../core/failure-limiter.ts'
import { createOutboundGuard } from '../core/outbound-guard.ts'
import { createBitbucketAccess } from '../services/bitbucket-access.ts'
import { importSpacelift } from '../services/import-spacelift.ts'
import { quietAccess } from '../services/quiet-access.ts'
import { openAuditKey } from '../store/audit-key.ts'
import { openCommandContext } from './command-context.ts'
import { withInstallation } from './open-installation.ts'

/** Adds `import spacelift <state file>` (R210b). */
export function addImportCommand(program: Command): void {
  program
    .command('import')
    .description('Bring objects of another product.')
    .command('spacelift')
    .description(
      'Create the spaces, VCS agent pools and Bitbucket Data Center integrations of a Terraform state under the same ids. Tokens are not taken from the file; the command lists those to be set. May be repeated.',
    )
    .argument('<state file>', 'what `terraform state pull` printed')
    .action(importState)
}

async function importState(path: string): Promise<void> {
  const { print } = openCommandContext()
  const state = readState(path)
  const config = readConfig(process.env)
  const guard = createOutboundGuard(config)
  const transports = openTrustingTransports({ checkAddress: guard.checkAddress })
  const calls = callClock()
  const scheduler = createCallScheduler({ clock: calls, callsPerSecond: 1, burst: 2, maxInFlight: 1 })
  try {
    const report = await withInstallation(async ({ db, sealer }) => {
      await openAuditKey(db, sealer)
      return importSpacelift(
        {
          db,
          sealer,
          clock: systemClock,
          instanceId: '',
          publicUrl: () => config.publicUrl,
          // An import calls nobody: what is created has no token yet.
          bitbucket: quietAccess(createBitbucketAccess(transports, scheduler, calls, guard, sealer)),
          lookUps: createFailureLimiter(0),
          repositoryAccess: config.repositoryAccess,
          spaceAdmins: config.spaceAdmins,
          onSecretsChanged: () => undefined,
          onKeyRevoked: () => undefined,
        },
        state,
      )
    })
    for (const object of report.created) print(`created: ${object}`)
    for (const place of report.present) print(`there already, left as it is: ${place}`)
    for (const failure of report.failed) print(`not imported: ${failure}`)
    for (const id of report.tokensToSet) print(`token to set: PATCH /api/v1/integrations/${id} {"accessToken":"…"}`)
    if (report.failed.length > 0) process.exitCode = 1
  } finally {
    await transports.close()
  }
}

function readState(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    // The parser's message would quote the file, which may hold tokens.
    const why = error instanceof SyntaxError ? 'it is not JSON' : (error as NodeJS.ErrnoException).code
    throw new Error(`${path} cannot be read as a Terraform state: ${why}.`)
  }
}
