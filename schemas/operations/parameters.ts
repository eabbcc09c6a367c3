import * as z from 'zod'
import { RowId, Slug, SpaceId } from '../text.ts'

export const bySlug = z.object({ id: Slug })
export const bySpaceId = z.object({ id: SpaceId })
export const byRowId = z.object({ id: RowId })

/** `true` or `false` in a query. */
export const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true')

/** Query of what may take stacks their integration. */
export const detaching = z.object({
  dryRun: flag.describe('Answers what would happen, and changes nothing.'),
  force: flag.describe('Detaches the stacks that lose their integration.'),
})

/** Query of what Bitbucket is asked about before it is saved. */
export const saving = z.object({
  skipVerification: flag.describe('Saves although Bitbucket could not be asked.'),
})

/** The stacks and modules that lost, or in a dry run would lose, their integration. */
export const Detached = z
  .object({
    detached: z.array(Slug),
    detachedModules: z.array(Slug).optional(),
    hidden: z.int().optional().describe('How many more there are, in spaces that you may not see.'),
  })
  .meta({ id: 'Detached' })
