import * as z from 'zod'
import { personRoles, roles } from './api-key.ts'
import { Name, RowId, Slug, SpaceId, Timestamp } from './text.ts'

/** A role in a space and in everything below it. */
export const RoleInSpace = z.strictObject({ role: z.enum(personRoles), spaceId: SpaceId }).meta({ id: 'RoleInSpace' })
export type RoleInSpace = z.infer<typeof RoleInSpace>

/** Who a user is in one Bitbucket: by his number there, since names change and are given to others (S54). */
export const BitbucketIdentity = z
  .strictObject({
    integrationId: Slug,
    bitbucketUserId: z.int().min(1).describe('The numeric id of the Bitbucket user, as Bitbucket’s API shows it.'),
  })
  .meta({ id: 'BitbucketIdentity' })
export type BitbucketIdentity = z.infer<typeof BitbucketIdentity>

const Roles = z
  .array(RoleInSpace)
  .max(200)
  .refine(
    isWithoutDuplicates(({ role, spaceId }: RoleInSpace) => `${role} ${spaceId}`),
    'expected no duplicates',
  )
const Identities = z
  .array(BitbucketIdentity)
  .max(100)
  .refine(
    isWithoutDuplicates(
      ({ integrationId, bitbucketUserId }: BitbucketIdentity) => `${integrationId} ${bitbucketUserId}`,
    ),
    'expected no duplicates',
  )

export const User = z
  .object({
    id: RowId,
    name: Name,
    roles: Roles,
    bitbucketIdentities: Identities.describe('Those whose integration you may see.'),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'User' })
export type User = z.infer<typeof User>

export const NewUser = z
  .strictObject({ name: Name, roles: Roles.default([]), bitbucketIdentities: Identities.default([]) })
  .meta({ id: 'NewUser' })
export type NewUser = z.infer<typeof NewUser>

export const UserUpdate = z
  .strictObject({
    name: Name.optional(),
    roles: Roles.optional().describe('All of them: a role that is left out is taken away.'),
    bitbucketIdentities: Identities.optional().describe('All of them: one that is left out is unlinked.'),
  })
  .meta({ id: 'UserUpdate' })
export type UserUpdate = z.infer<typeof UserUpdate>

/** Who asks, and what for. */
export const Me = z
  .object({
    kind: z.enum(['user', 'service']),
    user: z.object({ id: RowId, name: Name }).nullable().describe('Null for a service.'),
    apiKey: z.object({ id: RowId, name: Name, expiresAt: Timestamp.nullable() }),
    roles: z.array(z.object({ role: z.enum(roles), spaceId: SpaceId })),
    isRootAdmin: z.boolean().describe('Administers the whole account.'),
    surface: z.enum(['api', 'ui', 'worker', 'registrar']).describe('What the present token or session is good for.'),
    surfaces: z
      .array(z.enum(['api', 'ui', 'worker', 'registrar']))
      .describe('What the key can be exchanged for: `ui` is the sign-in of a browser, the others are tokens.'),
  })
  .meta({ id: 'Me' })
export type Me = z.infer<typeof Me>

function isWithoutDuplicates<Item>(keyOf: (item: Item) => string) {
  return (items: readonly Item[]) => new Set(items.map(keyOf)).size === items.length
}
