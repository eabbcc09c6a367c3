import * as z from 'zod'

/** Query of every list: pages by key, so that the order is stable under inserts; or up to 200 objects by id. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(200).optional().describe('The nextCursor of the page before.'),
  ids: z
    .string()
    .max(20_000)
    .optional()
    .transform((text) => text?.split(',').filter((id) => id !== ''))
    .refine((ids) => ids === undefined || (ids.length > 0 && ids.length <= 200), 'expected 1 to 200 ids')
    .describe('Comma-separated ids: those of them that exist, in one answer.'),
}

export interface PageRequest {
  readonly limit: number
  readonly cursor?: string | undefined
  readonly ids?: readonly string[] | undefined
}

export interface Page<Item> {
  readonly items: Item[]
  readonly nextCursor: string | null
}

/** The answer of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}
