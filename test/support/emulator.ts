import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createTokenText, hashToken } from '../../emulator/authentication.ts'
import type { Emulator } from '../../emulator/call.ts'
import type { DeliveryRecord } from '../../emulator/deliveries.ts'
import type { Fault } from '../../emulator/faults.ts'
import type { RequestRecord } from '../../emulator/requests.ts'
import { type EmulatorOptions, startEmulator } from '../../emulator/server.ts'
import { createOpenApiCheck, isReferenceAtHand } from '../emulator/support/openapi-check.ts'
import { openRepository, type TestRepository } from '../emulator/support/real-git.ts'

export type { TestRepository }

export interface RestAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed body; undefined when there was none or it was not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what is in it is for the test to say.
  readonly body: any
}

export interface RestOptions {
  readonly body?: unknown
  /** null: anonymous; absent: the administrator's, and left out of `requests()`. */
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestEmulator {
  readonly url: string
  readonly adminToken: string
  /** Its parts, for what HTTP does not offer. */
  readonly emulator: Emulator
  rest(method: string, path: string, options?: RestOptions): Promise<RestAnswer>
  createProject(key: string, name?: string): Promise<{ readonly key: string; readonly id: number }>
  /** The project is made when it does not exist; `~name` is a user's own. */
  createRepository(key: string, name: string, fields?: Readonly<Record<string, unknown>>): Promise<TestRepository>
  createUser(name: string, options?: { readonly isLicensed?: boolean; readonly password?: string }): Promise<void>
  /** Grants REPO_* on a repository, PROJECT_* on a project (`on: 'KEY'`), or a global permission without `on`. */
  grant(user: string, permission: string, on?: TestRepository | string): Promise<void>
  /** A token of a user (by name), a project (`{ project }`) or a repository; gives its text. */
  createToken(
    owner: string | { readonly project: string } | TestRepository,
    permissions: readonly string[],
    expiryDays?: number,
  ): Promise<string>
  createWebhook(
    on: TestRepository | string,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly id: number }>
  addFault(fault: Fault): Promise<void>
  clearFaults(): Promise<void>
  /** The requests seen so far, oldest first, without those that this object and its repositories made. */
  requests(): RequestRecord[]
  deliveries(): DeliveryRecord[]
  /** Waits until that many deliveries (of the event) ended, then gives them; fails after the timeout (5 s). */
  waitForDeliveries(
    count: number,
    options?: { readonly event?: string; readonly timeoutMs?: number },
  ): Promise<DeliveryRecord[]>
  /** Waits until no delivery is under way. */
  idle(): Promise<void>
  close(): Promise<void>
}

export interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/**
 * Starts a Bitbucket of its own for the running test, on a free port, and stops it when the test ends. Where Atlassian's
 * OpenAPI is at hand every answer is checked against it, and the test fails over what no known difference explains.
 */
export async function startTestEmulator(options: Partial<EmulatorOptions> = {}): Promise<TestEmulator> {
  const emulator = await openTestEmulator(options)
  onTestFinished(() => emulator.close())
  return emulator
}

/** The same for a whole file: the caller closes it. */
export async function openTestEmulator(options: Partial<EmulatorOptions> = {}): Promise<TestEmulator> {
  const scratch = await mkdtemp(join(tmpdir(), 'emulator-'))
  const check = isReferenceAtHand ? createOpenApiCheck() : undefined
  const running = await startEmulator({
    dataDirectory: join(scratch, 'data'),
    ...(check ? { observe: check.check } : {}),
    ...options,
  })
  const { emulator, url, adminToken } = running
  const helperToken = addHelperToken(emulator)

  async function rest(method: string, path: string, given: RestOptions = {}): Promise<RestAnswer> {
    const token = given.token === undefined ? helperToken : given.token
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...(given.body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...given.headers,
      },
      ...(given.body === undefined ? {} : { body: JSON.stringify(given.body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: parseJson(text) }
  }

  async function administer(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const answer = await rest(method, path, body === undefined ? {} : { body })
    if (answer.status >= 400) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
    return answer
  }

  const result: TestEmulator = {
    url,
    adminToken,
    emulator,
    rest,
    async createProject(key, name = key) {
      const { body } = await administer('POST', '/rest/api/latest/projects', { key, name })
      return { key: body.key, id: body.id }
    },
    async createRepository(key, name, fields = {}) {
      const projectPath = `/rest/api/latest/projects/${encodeURIComponent(key)}`
      if (!key.startsWith('~') && (await rest('GET', projectPath)).status === 404) await result.createProject(key)
      const { body } = await administer('POST', `${projectPath}/repos`, { name, scmId: 'git', ...fields })
      return openRepository({ url, token: helperToken, scratch, key: body.project.key, slug: body.slug, id: body.id })
    },
    async createUser(name, { isLicensed = true, password = 'a password' } = {}) {
      const query = new URLSearchParams({
        name,
        displayName: name,
        emailAddress: `${name}@example.com`,
        password,
        addToDefaultGroup: String(isLicensed),
      })
      await administer('POST', `/rest/api/latest/admin/users?${query}`)
    },
    async grant(user, permission, on) {
      const query = new URLSearchParams({ name: user, permission })
      await administer('PUT', `${placeOf(on)}/permissions/users?${query}`)
    },
    async createToken(owner, permissions, expiryDays) {
      const place = typeof owner === 'string' ? `users/${encodeURIComponent(owner)}` : tokenPlace(owner)
      const name = `token ${permissions.join(' ')}`
      const request = { name, permissions, ...(expiryDays === undefined ? {} : { expiryDays }) }
      return (await administer('PUT', `/rest/access-tokens/latest/${place}`, request)).body.token
    },
    async createWebhook(on, fields) {
      const webhook = { name: 'a webhook', events: ['repo:refs_changed'], active: true, ...fields }
      return (await administer('POST', `${placeOf(on)}/webhooks`, webhook)).body
    },
    async addFault(fault) {
      await administer('POST', '/emulator/faults', fault)
    },
    async clearFaults() {
      await administer('DELETE', '/emulator/faults')
    },
    requests() {
      return emulator.requests.list().filter(({ token }) => token !== helperTokenId)
    },
    deliveries() {
      return emulator.deliveries.list()
    },
    async waitForDeliveries(count, { event, timeoutMs = 5_000 } = {}) {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const ended = emulator.deliveries.list().filter((record) => event === undefined || record.event === event)
        if (ended.length >= count) return ended
        if (Date.now() > deadline) {
          throw new Error(
            `Waited ${timeoutMs} ms for ${count} deliveries of ${event ?? 'any event'}, saw ${ended.length}.`,
          )
        }
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    idle() {
      return emulator.deliveries.idle()
    },
    async close() {
      await running.close()
      await rm(scratch, { recursive: true, force: true })
      const problems = [...new Set(check?.problems)]
      if (problems.length > 0) throw new Error(`The emulator left Bitbucket's OpenAPI:\n${problems.join('\n')}`)
    },
  }
  return result
}

/** Listens on a free port for deliveries, keeps them, and answers `status`; closed when the test ends. */
export async function startReceiver(status = 200): Promise<{ readonly url: string; readonly received: Received[] }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) })
      response.writeHead(status).end('received')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

const helperTokenId = 'test-helper'

/** A second token of the administrator, so that the request log tells the helper's own requests from the others. */
function addHelperToken(emulator: Emulator): string {
  const text = createTokenText()
  const { state } = emulator.store
  const administrator = state.users.find(({ name }) => name === 'admin')
  if (!administrator) throw new Error('The emulator has no administrator.')
  state.tokens = state.tokens.filter(({ id }) => id !== helperTokenId)
  state.tokens.push({
    id: helperTokenId,
    name: 'test helper',
    hash: hashToken(text),
    owner: { kind: 'user', id: administrator.id },
    permissions: ['SYS_ADMIN'],
    createdAt: 0,
    expiresAt: null,
  })
  return text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function placeOf(on: TestRepository | string | undefined): string {
  if (on === undefined) return '/rest/api/latest/admin'
  return typeof on === 'string' ? `/rest/api/latest/projects/${encodeURIComponent(on)}` : on.path
}

function tokenPlace(owner: { readonly project: string } | TestRepository): string {
  if ('project' in owner) return `projects/${encodeURIComponent(owner.project)}`
  return `projects/${encodeURIComponent(owner.key)}/repos/${encodeURIComponent(owner.slug)}`
}
