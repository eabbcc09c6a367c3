import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEmulator } from '../emulator/server.ts'

const usage = `npm run emulator -- [--port 7990] [--host 127.0.0.1] [--context-path ''] [--data DIR]
  [--version 9.4.2] [--page-cap 1000] [--page-stride 1] [--rate-limit CAPACITY:PER_SECOND]`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '7990' },
    host: { type: 'string', default: '127.0.0.1' },
    'context-path': { type: 'string', default: '' },
    data: { type: 'string', default: join(tmpdir(), 'mooring-emulator') },
    version: { type: 'string', default: '9.4.2' },
    'page-cap': { type: 'string', default: '1000' },
    'page-stride': { type: 'string', default: '1' },
    'rate-limit': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(`${usage}\n`)
} else {
  await start()
}

async function start(): Promise<void> {
  const rateLimit = readRateLimit(values['rate-limit'])
  const running = await startEmulator({
    dataDirectory: values.data,
    port: readCount('port', values.port),
    host: values.host,
    contextPath: values['context-path'],
    version: values.version,
    pageCap: readCount('page-cap', values['page-cap']),
    pageStride: readCount('page-stride', values['page-stride']),
    ...(rateLimit ? { rateLimit } : {}),
  })
  process.stdout.write(`${JSON.stringify({ url: running.url, adminToken: running.adminToken })}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void running.close().then(() => process.exit(0)))
  }
}

function readCount(name: string, text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 0) throw new Error(`--${name} is not a whole number: ${text}\n${usage}`)
  return count
}

function readRateLimit(text: string | undefined): { capacity: number; fillRate: number } | undefined {
  if (text === undefined) return undefined
  const [capacity = Number.NaN, fillRate = Number.NaN] = text.split(':').map(Number)
  if (!(capacity >= 1 && fillRate > 0)) throw new Error(`--rate-limit is not CAPACITY:PER_SECOND: ${text}\n${usage}`)
  return { capacity, fillRate }
}
