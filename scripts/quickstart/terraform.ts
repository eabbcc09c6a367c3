import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from './processes.ts'

export interface StoryTerraform {
  readonly folder: string
  init(): Promise<void>
  /** Gives Terraform's own sentence about the plan, and whether anything would change. */
  plan(): Promise<{ readonly changes: boolean; readonly text: string }>
  /** Gives Terraform's closing lines. */
  apply(): Promise<string>
}

/**
 * A copy of the example with the provider from a filesystem mirror, so that nothing comes from the network and no
 * configuration of the machine is used. `environment` holds the provider's settings and the TF_VAR_ values.
 */
export async function prepareTerraform(
  program: string,
  example: string,
  mirror: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<StoryTerraform> {
  await cp(example, folder, { recursive: true })
  const cliConfig = join(folder, '..', 'terraform.rc')
  await writeFile(
    cliConfig,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`,
  )
  const env = { ...environment, TF_CLI_CONFIG_FILE: cliConfig, TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' }
  const terraform = (args: readonly string[], accept: readonly number[] = []) =>
    runProgram(program, args, { cwd: folder, env, accept })
  return {
    folder,
    async init() {
      await terraform(['init', '-input=false', '-no-color'])
    },
    async plan() {
      const { code, output } = await terraform(['plan', '-input=false', '-no-color', '-detailed-exitcode'], [2])
      return { changes: code === 2, text: planLines(output) }
    },
    async apply() {
      const { output } = await terraform(['apply', '-input=false', '-no-color', '-auto-approve'])
      return lastMatch(output, /^Apply complete!.*$/gm)
    },
  }
}

/** What a plan says it will do: a line for each change, and the sum. */
function planLines(output: string): string {
  const changes = output.match(/^ {2}# .*$/gm) ?? []
  const sum = output.match(/^(?:Plan:|No changes\.).*$/m) ?? []
  const warnings = output.match(/^(?:│ )?Warning: .*$/gm) ?? []
  return [...warnings, ...changes.map((line) => line.trim()), ...sum].join('\n')
}

function lastMatch(output: string, pattern: RegExp): string {
  return output.match(pattern)?.at(-1) ?? ''
}
