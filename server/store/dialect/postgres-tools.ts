import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/** PostgreSQL's own programs, all of one package. */
type PostgresTool = 'pg_dump' | 'pg_restore' | 'psql'

/** A database as libpq's programs take it: the address without the password, which travels by the environment alone. */
export interface LibpqTarget {
  /** Shown to people, and to `ps`. */
  readonly uri: string
  readonly env: Readonly<Record<string, string>>
}

/** Words of node-postgres alone, which libpq refuses. */
const ownWords = ['ssl', 'uselibpqcompat', 'password', 'application_name']

/** Reads `postgres://…` as `MOORING_DATABASE_URL` spells it. */
export function libpqTarget(url: string): LibpqTarget {
  const uri = new URL(url)
  const password = uri.searchParams.get('password') ?? decodeURIComponent(uri.password)
  const isEncrypted = ['1', 'true'].includes(uri.searchParams.get('ssl') ?? '')
  uri.password = ''
  for (const word of ownWords) uri.searchParams.delete(word)
  return {
    uri: uri.href,
    env: {
      PGAPPNAME: 'mooring-backup',
      ...(password === '' ? {} : { PGPASSWORD: password }),
      ...(isEncrypted && !uri.searchParams.has('sslmode') ? { PGSSLMODE: 'require' } : {}),
    },
  }
}

/** A call as an operator may type it; the password stays a name. */
export function describeCall(tool: PostgresTool, args: readonly string[], target: LibpqTarget): string {
  const password = target.env.PGPASSWORD === undefined ? '' : 'PGPASSWORD=… '
  return `${password}${tool} ${args.map((arg) => (/^[\w./:=@+-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')}`
}

export interface RunningTool {
  /** What it writes. */
  readonly output: Readable
  /** Resolves when it ended well; throws with what it said otherwise. */
  readonly done: Promise<void>
}

/**
 * Starts one of PostgreSQL's programs. It inherits no more of our environment than it needs to be found and to find
 * certificates: what it could print holds none of our secrets.
 */
export function startTool(
  tool: PostgresTool,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input: Readable | undefined = undefined,
): RunningTool {
  const child = spawn(tool, args, {
    env: { ...inherited(), ...env, LC_ALL: 'C' },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  }) as ChildProcessByStdio<null, Readable, Readable>
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000)
  })
  const done = new Promise<void>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT'
          ? new Error(`${tool} was not found: install PostgreSQL’s client programs, of the server’s version or newer.`)
          : error,
      )
    })
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${tool} failed (${code ?? 'killed'}): ${firstLines(said)}`))
    })
  })
  done.catch(() => undefined) // whoever waits for the output first is told when he waits for this
  if (input !== undefined) feed(child as unknown as { stdin: NodeJS.WritableStream }, input)
  return { output: child.stdout, done }
}

/** Runs it to its end and gives what it wrote, which must be short. */
export async function runTool(
  tool: PostgresTool,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { output, done } = startTool(tool, args, env)
  let text = ''
  output.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await done
  return text
}

function feed(child: { readonly stdin: NodeJS.WritableStream }, input: Readable): void {
  child.stdin.on('error', () => input.destroy()) // it ended early, and says why itself
  input.on('error', () => child.stdin.end())
  input.pipe(child.stdin)
}

function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'SSL_CERT_FILE', 'PGSSLROOTCERT', 'PGSSLCERT', 'PGSSLKEY', 'PGPASSFILE']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

function firstLines(text: string): string {
  return text.trim().split('\n').slice(0, 4).join(' ')
}
