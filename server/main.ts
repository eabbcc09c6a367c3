#!/usr/bin/env node
import { Command } from 'commander'
import { escapeForTerminal } from '../schemas/rules/escape-for-terminal.ts'
import { addAuditCommands } from './commands/audit.ts'
import { addBackupCommand } from './commands/backup.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addImportCommand } from './commands/import.ts'
import { addKeysCommands } from './commands/keys.ts'
import { addRestoreCommand } from './commands/restore.ts'
import { addServeCommand } from './commands/serve.ts'
import { readVersion } from './version.ts'

const program = new Command('mooring-server')
  .description('Connects infrastructure stacks to Bitbucket Data Center.')
  .version(readVersion())
addServeCommand(program)
addBackupCommand(program)
addRestoreCommand(program)
addDoctorCommand(program)
addAuditCommands(program)
addKeysCommands(program)
addImportCommand(program)

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(escapeForTerminal(`mooring-server: ${error instanceof Error ? error.message : String(error)}\n`))
  process.exitCode = 1
}
