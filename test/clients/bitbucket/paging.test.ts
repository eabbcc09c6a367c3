import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import type { BitbucketClient } from '../../../clients/bitbucket/client.ts'
import { eachPage, listAll } from '../../../clients/bitbucket/paging.ts'
import { restPath } from '../../../clients/bitbucket/paths.ts'
import { listRepositories } from '../../../clients/bitbucket/repositories.ts'
import { startTestEmulator } from '../../support/emulator.ts'
import { openClient } from './client-under-test.ts'

const call = { path: restPath('/api/latest/repos', {}) }

/** A Bitbucket that answers page number n with what `page(n, start)` gives. */
function paged(page: (count: number, start: number) => object) {
  const starts: number[] = []
  const client: BitbucketClient = {
    baseUrl: 'https://bb.example.com',
    token: 't',
    transport: async ({ url }) => {
      const start = Number(new URL(url).searchParams.get('start'))
      starts.push(start)
      const body = new TextEncoder().encode(JSON.stringify(page(starts.length, start)))
      return { status: 200, headers: { 'content-type': 'application/json' }, body }
    },
  }
  return { client, starts }
}

describe('B20 follows nextPageStart', () => {
  test('B20 to the last page, whatever the distance', async () => {
    const { client, starts } = paged((count) => ({
      values: [count],
      isLastPage: count === 3,
      nextPageStart: count * 10 + 7,
    }))

    expect(await listAll(client, call, z.number())).toEqual([1, 2, 3])
    expect(starts).toEqual([0, 17, 27])
  })

  test('B20 and takes an empty page that is not the last for what it is', async () => {
    const { client } = paged((count) => ({ values: count === 2 ? [9] : [], isLastPage: count === 2, nextPageStart: 1 }))

    expect(await listAll(client, call, z.number())).toEqual([9])
  })

  test('B20 and reads no more pages than the reader wants', async () => {
    const { client, starts } = paged((count) => ({ values: [count], isLastPage: false, nextPageStart: count }))

    for await (const values of eachPage(client, call, z.number())) {
      expect(values).toEqual([1])
      break
    }

    expect(starts).toEqual([0])
  })

  test('B20 a last page may say null or nothing about the next', async () => {
    for (const next of [{ nextPageStart: null }, {}, { nextPageStart: 5 }]) {
      const { client } = paged(() => ({ values: [1], isLastPage: true, ...next }))
      expect(await listAll(client, call, z.number())).toEqual([1])
    }
  })
})

describe('B20 refuses pages that would lose or repeat values', () => {
  test.for([
    {
      name: 'null before the last page',
      page: () => ({ values: [1], isLastPage: false, nextPageStart: null }),
      code: 'bad_paging',
    },
    {
      name: 'no next start before the last page',
      page: () => ({ values: [1], isLastPage: false }),
      code: 'bad_paging',
    },
    {
      name: 'a start that stands still',
      page: (_: number, start: number) => ({ values: [1], isLastPage: false, nextPageStart: start }),
      code: 'bad_paging',
    },
    {
      name: 'a start that goes back',
      page: (count: number) => ({ values: [1], isLastPage: false, nextPageStart: count === 1 ? 5 : 4 }),
      code: 'bad_paging',
    },
    { name: 'no word on the last page', page: () => ({ values: [1] }), code: 'not_bitbucket' },
    { name: 'no values', page: () => ({ isLastPage: true }), code: 'not_bitbucket' },
    { name: 'values of another type', page: () => ({ values: ['x'], isLastPage: true }), code: 'not_bitbucket' },
  ])('B20 $name', async ({ page, code }) => {
    const { client, starts } = paged(page)

    await expect(listAll(client, call, z.number())).rejects.toMatchObject({ code })
    expect(starts.length).toBeLessThanOrEqual(2)
  })

  test('S35 pages without end: a thousand are read, then it is an error', async () => {
    const { client, starts } = paged((count) => ({ values: [], isLastPage: false, nextPageStart: count }))

    await expect(listAll(client, call, z.number())).rejects.toMatchObject({ code: 'bad_paging' })
    expect(starts.length).toBe(1000)
  })
})

test('B20 reads everything from a server whose cap is smaller than what is asked, and whose starts jump', async () => {
  const emulator = await startTestEmulator({ pageCap: 2, pageStride: 3 })
  for (let index = 0; index < 7; index++) await emulator.createRepository('PRJ', `repo-${index}`)

  const repositories = await listRepositories(openClient(emulator.url, emulator.adminToken), {})

  expect(repositories.map(({ slug }) => slug).sort()).toEqual([0, 1, 2, 3, 4, 5, 6].map((index) => `repo-${index}`))
  expect(emulator.requests().length).toBe(4)
})
