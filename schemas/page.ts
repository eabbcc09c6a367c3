import * as z from 'zod'
import { Label } from './text.ts'

/** Query of every list: pages by key, so that the order is stable under inserts; or up to 200 objects by id. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(1000).optional().describe('The nextCursor of the page before, with the same filters.'),
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

/** Repeated in the query for each label. */
const LabelList = z
  .union([Label, z.array(Label).min(1).max(20)])
  .optional()
  .transform((labels) => (typeof labels === 'string' ? [labels] : labels))

/** Query of the lists of what has labels. */
export const labelQuery = {
  anyLabel: LabelList.describe('Those with at least one of these labels; repeat it for each label.'),
  allLabels: LabelList.describe('Those with every one of these labels; repeat it for each label.'),
}

export interface LabelFilter {
  readonly anyLabel?: readonly string[] | undefined
  readonly allLabels?: readonly string[] | undefined
}

export interface Page<Item> {
  readonly items: Item[]
  readonly nextCursor: string | null
  readonly approximateCount: number | null
}

/** Counts are exact up to this. */
const exactCount = 1_000
/** No count goes further: what it costs must not grow with the installation. */
export const mostCounted = 10_000

/** What a list says of a count that stopped at `mostCounted`: exact up to a thousand, then in full thousands. */
export function approximate(count: number): number {
  return count <= exactCount ? count : Math.floor(count / exactCount) * exactCount
}

const ApproximateCount = z
  .int()
  .nullable()
  .default(null)
  .describe(
    'How many objects the filters match of those that the caller may see: exact up to 1,000, rounded down to full thousands beyond; 10,000 stands for as many or more. Null where nothing is counted: in the lists that grow with traffic.',
  )

/** The answer of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('For ?cursor of the next page; null on the last one.'),
    approximateCount: ApproximateCount,
  })
}
