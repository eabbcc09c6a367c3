import * as z from 'zod'
import { type BitbucketCall, type BitbucketClient, callBitbucket } from './client.ts'
import { BitbucketError } from './errors.ts'

/** More pages than this are not read (S35). */
export const maximumPages = 1000

/** What is asked for; the server may give less (B20). */
export const pageLimit = 100

/** The longest page that is accepted, whatever was asked for. */
const longestPage = 10_000

/**
 * Gives the values page by page until Bitbucket says that a page is the last (B20). A page that is not the last and
 * names no later start is an error: silently stopping there would look like a shorter list. `onPage` is shown what
 * Bitbucket says about each page beside its values.
 *
 * @throws BitbucketError `bad_paging`, and as `callBitbucket`
 */
export async function* eachPage<Item>(
  client: BitbucketClient,
  call: Omit<BitbucketCall, 'method' | 'body'>,
  item: z.ZodType<Item>,
  limit: number = pageLimit,
  onPage?: (page: Readonly<Record<string, unknown>> & { readonly values: readonly unknown[] }) => void,
): AsyncGenerator<readonly Item[]> {
  const page = pageSchema(item)
  let start = 0
  for (let count = 0; count < maximumPages; count++) {
    const query = { ...call.query, start, limit }
    const answer = await callBitbucket(client, { ...call, method: 'GET', query }, page)
    onPage?.(answer)
    yield answer.values
    const next = nextStart(answer, start)
    if (next === null) return
    start = next
  }
  throw new BitbucketError('bad_paging')
}

/** Where a page begins, in Bitbucket's count, and how long it may be. */
export interface PageStart {
  readonly start: number
  readonly limit: number
}

/** One page, and where the next one begins; null after the last. */
export interface ListPage<Item> {
  readonly values: readonly Item[]
  readonly nextStart: number | null
}

/**
 * Gives one page alone, for callers who go on with the next one themselves.
 *
 * @throws BitbucketError `bad_paging`, and as `callBitbucket`
 */
export async function readPage<Item>(
  client: BitbucketClient,
  call: Omit<BitbucketCall, 'method' | 'body'>,
  item: z.ZodType<Item>,
  { start, limit }: PageStart,
): Promise<ListPage<Item>> {
  const query = { ...call.query, start, limit }
  const answer = await callBitbucket(client, { ...call, method: 'GET', query }, pageSchema(item))
  return { values: answer.values, nextStart: nextStart(answer, start) }
}

/** A page as Bitbucket writes it. */
export function pageSchema<Item>(item: z.ZodType<Item>) {
  return z.looseObject({
    isLastPage: z.boolean(),
    values: z.array(item).max(longestPage),
    nextPageStart: z.number().int().nullish(),
  })
}

/** Where the page after this one begins; null after the last. */
export function nextStart(
  page: { readonly isLastPage: boolean; readonly nextPageStart?: number | null | undefined },
  start: number,
): number | null {
  if (page.isLastPage) return null
  const next = page.nextPageStart ?? 0
  if (next <= start) throw new BitbucketError('bad_paging')
  return next
}

/** Gives the values of all pages. */
export async function listAll<Item>(
  client: BitbucketClient,
  call: Omit<BitbucketCall, 'method' | 'body'>,
  item: z.ZodType<Item>,
  limit: number = pageLimit,
): Promise<Item[]> {
  const all: Item[] = []
  for await (const values of eachPage(client, call, item, limit)) all.push(...values)
  return all
}
