import * as z from 'zod'
import { Description, Labels, Name, Slug, SpaceId, Timestamp } from './text.ts'

/** The space that every other descends from; it cannot be deleted or moved. */
export const rootSpaceId = 'root'

export const Space = z
  .object({
    id: SpaceId,
    name: Name,
    parentId: SpaceId.nullable().describe(
      'Null for root, and where you may not see the parent: no answer names what is hidden.',
    ),
    inheritEntities: z.boolean().describe('Whether what the parent may use may be used here too.'),
    labels: Labels,
    description: Description,
    createdAt: Timestamp,
  })
  .meta({ id: 'Space' })
export type Space = z.infer<typeof Space>

export const NewSpace = z
  .strictObject({
    name: Name,
    slug: Slug.optional().describe('Made from the name when absent; it becomes the id and cannot change.'),
    parentId: SpaceId.default(rootSpaceId),
    inheritEntities: z.boolean().default(false),
    labels: Labels.default([]),
    description: Description.default(''),
  })
  .meta({ id: 'NewSpace' })
export type NewSpace = z.infer<typeof NewSpace>

export const SpaceUpdate = z
  .strictObject({
    name: Name.optional(),
    parentId: SpaceId.optional(),
    inheritEntities: z.boolean().optional(),
    labels: Labels.optional(),
    description: Description.optional(),
  })
  .meta({ id: 'SpaceUpdate' })
export type SpaceUpdate = z.infer<typeof SpaceUpdate>
