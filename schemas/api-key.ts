import * as z from 'zod'
import { rootSpaceId } from './space.ts'
import { Name, RowId, Slug, SpaceId, Timestamp } from './text.ts'

/** What a grant allows, in its space and in every space below. */
export const roles = ['reader', 'writer', 'admin', 'webhook-registrar', 'worker'] as const
export type Role = (typeof roles)[number]

/** The roles of people; the others are for services alone. */
export const personRoles = ['reader', 'writer', 'admin'] as const satisfies readonly Role[]

export const ApiKey = z
  .object({
    id: RowId,
    name: Name,
    userId: RowId.nullable().describe('The user whose roles the key has; null: it stands for a service.'),
    role: z.enum(roles).nullable().describe('A service’s role; null where the key is a user’s.'),
    spaceId: SpaceId.nullable().describe(
      'Where the service’s role holds, and below; an admin of root administers everything. Null where the key is a user’s.',
    ),
    integrationIds: z
      .array(Slug)
      .nullable()
      .describe('The only integrations that the key may touch, those of them that you may see; null: no limit.'),
    createdAt: Timestamp,
    expiresAt: Timestamp.nullable(),
    lastUsedAt: Timestamp.nullable(),
  })
  .meta({ id: 'ApiKey' })
export type ApiKey = z.infer<typeof ApiKey>

/** What narrows a webhook registrar's key (S67). */
const NarrowedTo = z
  .array(Slug)
  .min(1)
  .max(1000)
  .nullable()
  .describe('For a webhook registrar: the only integrations whose webhooks and secrets it reads. Null: no limit.')

export const NewApiKey = z
  .strictObject({
    name: Name,
    userId: RowId.nullable().default(null).describe('For a key of a user, who has roles of his own.'),
    role: z.enum(roles).nullable().default(null).describe('For a key of a service; the bootstrap key makes an admin.'),
    spaceId: SpaceId.default(rootSpaceId),
    integrationIds: NarrowedTo.default(null),
    secret: z.string().min(43).max(256).optional().describe('Bring your own: at least 32 random bytes, base64url.'),
    expiresAt: Timestamp.nullable().default(null),
  })
  .refine(({ userId, role }) => (userId === null) !== (role === null), {
    path: ['role'],
    error: 'expected either role, for a service, or userId',
  })
  .meta({ id: 'NewApiKey' })
export type NewApiKey = z.infer<typeof NewApiKey>

export const ApiKeyUpdate = z
  .strictObject({
    name: Name.optional(),
    integrationIds: NarrowedTo.optional(),
    expiresAt: Timestamp.nullable().optional(),
  })
  .meta({ id: 'ApiKeyUpdate' })
export type ApiKeyUpdate = z.infer<typeof ApiKeyUpdate>

export const CreatedApiKey = z
  .object({ ...ApiKey.shape, secret: z.string().describe('Shown this once.') })
  .meta({ id: 'CreatedApiKey' })
export type CreatedApiKey = z.infer<typeof CreatedApiKey>

export const TokenRequest = z
  .strictObject({ keyId: z.string().max(64), keySecret: z.string().max(256) })
  .meta({ id: 'TokenRequest' })

export const Token = z.object({ token: z.string(), expiresAt: Timestamp }).meta({ id: 'Token' })
export type Token = z.infer<typeof Token>
