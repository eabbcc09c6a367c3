import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createTokenText, hashToken } from './authentication.ts'
import type { Emulator } from './call.ts'
import { createDeliveries, type Deliveries } from './deliveries.ts'
import { createFaults } from './faults.ts'
import { openGitStorage } from './git/plumbing.ts'
import { createHandler, type Exchange } from './handler.ts'
import { createRequestLog } from './requests.ts'
import type { Settings } from './settings.ts'
import { openStore, type Store, writeAtomically } from './state.ts'

export interface EmulatorOptions {
  /** Where projects, tokens, webhooks and git repositories are kept. */
  readonly dataDirectory: string
  /** 0, or absent: any free port. */
  readonly port?: number
  /** 127.0.0.1 when absent. */
  readonly host?: string
  /** `/bitbucket`; empty when absent. */
  readonly contextPath?: string
  /** What links and clone addresses begin with, where others reach it under another name. */
  readonly baseUrl?: string
  /** 9.4.2 when absent. From 10.3 on dates are ISO-8601, below 8.8 there are no project webhooks, and so on. */
  readonly version?: string
  readonly pageCap?: number
  readonly pageStride?: number
  readonly maxChanges?: number
  readonly rateLimit?: { readonly capacity: number; readonly fillRate: number }
  readonly deliveryTimeoutMs?: number
  readonly now?: () => number
  /** Is told every answer of Bitbucket's operations, for whoever checks them. */
  readonly observe?: (exchange: Exchange) => void
}

export interface RunningEmulator {
  /** With the context path, without a slash at the end. */
  readonly url: string
  /** A token of the user `admin` that may do everything, the routes below `/emulator` included. */
  readonly adminToken: string
  /** What it keeps of requests and deliveries, for tests in the same process. */
  readonly emulator: Emulator
  /** Stops listening, gives up deliveries under way, and writes the state. */
  close(): Promise<void>
}

/** Starts a server that behaves like Bitbucket Data Center, on the state that the directory holds. */
export async function startEmulator(options: EmulatorOptions): Promise<RunningEmulator> {
  const store = await openStore(join(options.dataDirectory, 'state.json'))
  const git = await openGitStorage(join(options.dataDirectory, 'repositories'))
  const adminToken = await prepareAdministrator(store, join(options.dataDirectory, 'admin-token'))

  const server = createServer()
  await listen(server, options.port ?? 0, options.host ?? '127.0.0.1')
  const contextPath = checkedContextPath(options.contextPath ?? '')
  const { port } = server.address() as AddressInfo
  const url = `http://${options.host ?? '127.0.0.1'}:${port}${contextPath}`

  const settings: Settings = {
    baseUrl: options.baseUrl ?? url,
    version: options.version ?? '9.4.2',
    pageCap: options.pageCap ?? 1_000,
    pageStride: options.pageStride ?? 1,
    maxChanges: options.maxChanges ?? 1_000,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 10_000,
    now: options.now ?? Date.now,
    ...(options.rateLimit ? { rateLimit: options.rateLimit } : {}),
  }
  const faults = createFaults()
  const deliveries = createDeliveries(settings, faults)
  const emulator: Emulator = { settings, store, git, faults, deliveries, requests: createRequestLog(50_000) }
  server.on('request', createHandler(emulator, contextPath, options.observe ?? (() => {})))
  return { url, adminToken, emulator, close: () => close(server, deliveries, store) }
}

function checkedContextPath(path: string): string {
  if (path === '' || path === '/') return ''
  if (!/^\/[^?#]*[^/?#]$/.test(path)) throw new Error(`The context path "${path}" must look like /bitbucket.`)
  return path
}

/** The administrator's token is kept in a file of its own, so that a restart prints the same. */
async function prepareAdministrator(store: Store, file: string): Promise<string> {
  const { state } = store
  if (!state.users.some((user) => user.name === 'admin')) {
    state.users.push({
      id: store.nextId('user'),
      name: 'admin',
      slug: 'admin',
      displayName: 'Administrator',
      emailAddress: 'admin@example.com',
      isActive: true,
      passwordHash: null,
      globalPermission: 'SYS_ADMIN',
    })
  }
  const user = state.users.find(({ name }) => name === 'admin')
  const kept = await readFile(file, 'utf8').catch(() => '')
  const text = kept.trim() === '' ? createTokenText() : kept.trim()
  if (user && !state.tokens.some(({ hash }) => hash === hashToken(text))) {
    await writeAtomically(file, `${text}\n`)
    state.tokens.push({
      id: '1',
      name: 'emulator',
      hash: hashToken(text),
      owner: { kind: 'user', id: user.id },
      permissions: ['SYS_ADMIN'],
      createdAt: Date.now(),
      expiresAt: null,
    })
  }
  await store.flush()
  return text
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function close(server: Server, deliveries: Deliveries, store: Store): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
  await deliveries.close()
  await store.flush()
}
