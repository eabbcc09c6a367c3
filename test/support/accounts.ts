import type { Role } from '../../schemas/api-key.ts'
import type { RoleInSpace } from '../../schemas/user.ts'
import type { TestServer } from './server.ts'

export interface Account {
  /** The user; undefined for a service. */
  readonly userId: string | undefined
  readonly keyId: string
  readonly keySecret: string
  /** Who was asked for: `admin of team`. */
  readonly who: string
}

/** Makes a user with these roles, and a key of his. */
export async function createAccount(server: TestServer, ...roles: readonly RoleInSpace[]): Promise<Account> {
  const who = roles.map(({ role, spaceId }) => `${role} of ${spaceId}`).join(', ') || 'a user without roles'
  const user = await server.root.call('createUser', { body: { name: who.slice(0, 100), roles: [...roles] } })
  const key = await server.root.call('createApiKey', { body: { name: 'a key', userId: user.id } })
  return { userId: user.id, keyId: key.id, keySecret: key.secret, who }
}

/** Makes the key of a service. */
export async function createService(
  server: TestServer,
  role: Role,
  spaceId: string,
  integrationIds: string[] | null = null,
): Promise<Account> {
  const key = await server.root.call('createApiKey', { body: { name: 'a key', role, spaceId, integrationIds } })
  return { userId: undefined, keyId: key.id, keySecret: key.secret, who: `service: ${role} of ${spaceId}` }
}

/** Makes the spaces by their ids, each below the one that its path names: `root/team/service`, `+` where it inherits. */
export async function createSpaces(server: TestServer, ...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const parts = path.split('/')
    const last = parts.at(-1) ?? ''
    const slug = last.replace('+', '')
    const parentId = parts.at(-2)?.replace('+', '') ?? 'root'
    await server.root.call('createSpace', {
      body: { name: slug, slug, parentId, inheritEntities: last.startsWith('+') },
    })
  }
}
