import * as z from 'zod'
import { rootSpaceId } from './space.ts'
import { Name, RowId, Slug, Timestamp } from './text.ts'

export const apiKeyRoles = ['root-admin', 'webhook-registrar'] as const

export const ApiKey = z
  .object({
    id: RowId,
    name: Name,
    role: z.enum(apiKeyRoles),
    spaceId: Slug.describe('Where the role holds; root-admin is always root.'),
    createdAt: Timestamp,
    expiresAt: Timestamp.nullable(),
    lastUsedAt: Timestamp.nullable(),
  })
  .meta({ id: 'ApiKey' })
export type ApiKey = z.infer<typeof ApiKey>

export const NewApiKey = z
  .strictObject({
    name: Name,
    role: z.enum(apiKeyRoles),
    spaceId: Slug.default(rootSpaceId),
    secret: z.string().min(43).max(256).optional().describe('Bring your own: at least 32 random bytes, base64url.'),
    expiresAt: Timestamp.nullable().default(null),
  })
  .meta({ id: 'NewApiKey' })
export type NewApiKey = z.infer<typeof NewApiKey>

export const CreatedApiKey = z
  .object({ ...ApiKey.shape, secret: z.string().describe('Shown this once.') })
  .meta({ id: 'CreatedApiKey' })
export type CreatedApiKey = z.infer<typeof CreatedApiKey>

export const TokenRequest = z
  .strictObject({ keyId: z.string().max(64), keySecret: z.string().max(256) })
  .meta({ id: 'TokenRequest' })

export const Token = z.object({ token: z.string(), expiresAt: Timestamp }).meta({ id: 'Token' })
export type Token = z.infer<typeof Token>
