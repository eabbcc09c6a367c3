import type { Json } from '../framework/json.ts'
import type { Logger } from '../framework/provider.ts'

type Level = 'debug' | 'info' | 'warn' | 'error'
const levels: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error']

/** Writes lines as hclog does: JSON on standard error, which Terraform sorts by level into its own log (TF_LOG). */
export function newLogger(env: NodeJS.ProcessEnv, write: (line: string) => void, now: () => Date): Logger {
  const threshold = wantedLevel(env)
  const log = (level: Level) => (message: string, fields?: { readonly [name: string]: Json }) => {
    if (levels.indexOf(level) < threshold) return
    write(`${JSON.stringify({ ...fields, '@level': level, '@message': message, '@timestamp': now().toISOString() })}\n`)
  }
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

/** Terraform throws away what nobody asked for, so it is not even written. */
function wantedLevel(env: NodeJS.ProcessEnv): number {
  const wanted = (env.TF_LOG_PROVIDER || env.TF_LOG || '').toLowerCase()
  if (wanted === 'json') return 0
  const index = levels.indexOf(wanted)
  return index === -1 ? levels.length : index
}
