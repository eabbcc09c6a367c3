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
  const page = z.looseObject({
    isLastPage: z.boolean(),
    values: z.array(item).max(longestPage),
    nextPageStart: z.number().int().nullish(),
  })
  let start = 0
  for (let count = 0; count < maximumPages; count++) {
    const query = { ...call.query, start, limit }
    const answer = await callBitbucket(client, { ...call, method: 'GET', query }, page)
    const { isLastPage, values, nextPageStart } = answer
    onPage?.(answer)
    yield values
    if (isLastPage) return
    const next = nextPageStart ?? 0
    if (next <= start) throw new BitbucketError('bad_paging')
    start = next
  }
  throw new BitbucketError('bad_paging')
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
