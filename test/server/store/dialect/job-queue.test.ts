import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { inWriteTransaction } from '../../../../server/store/dialect/transactions.ts'
import type { RunningJob } from '../../../../server/store/job-queue.ts'
import { databases } from '../../../support/databases.ts'
import { hurryJobs, openTestQueue } from '../../../support/job-queues.ts'
import { openTestDatabase } from '../../../support/server-database.ts'

/** Remembers what ran; each job takes as long as its payload says. */
function recorder() {
  const ran: unknown[] = []
  let atOnce = 0
  const seen = { most: 0 }
  const run = async ({ payload }: RunningJob) => {
    seen.most = Math.max(seen.most, ++atOnce)
    if (typeof payload.ms === 'number') await sleep(payload.ms)
    atOnce -= 1
    ran.push(payload.name)
  }
  return { ran, seen, run }
}

for (const database of databases) {
  describe(database.name, () => {
    test('L2 jobs of both speeds run, each once, with their payload', async () => {
      const db = await openTestDatabase(database)
      const { ran, run } = recorder()
      const { add, queue } = openTestQueue(db, { run })
      const names = Array.from({ length: 40 }, (_, index) => index)

      await add(...names.map((name) => ({ task: name % 2 === 0 ? 'short' : 'slow', payload: { name } })))

      await vi.waitFor(() => expect(ran).toHaveLength(40), 5_000)
      await sleep(500) // somebody who looked again would have found what was left
      expect([...ran].sort((a, b) => Number(a) - Number(b))).toEqual(names)
      await vi.waitFor(async () => expect(await queue.figures()).toMatchObject({ due: 0, dead: 0 }))
    })

    test('L2 slow jobs keep short ones waiting no longer than they wait for a look', async () => {
      const db = await openTestDatabase(database)
      const { ran, run } = recorder()
      const { add } = openTestQueue(db, { run, times: { graceMs: 2_000 } })
      await add(...Array.from({ length: 30 }, () => ({ task: 'slow', payload: { name: 'slow', ms: 900 } })))
      await sleep(100)

      await add({ task: 'short', payload: { name: 'short' } })

      await vi.waitFor(() => expect(ran).toContain('short'), 750)
      expect(ran).toEqual(['short'])
    })

    test('L3 a job is added with its transaction or not at all', async () => {
      const db = await openTestDatabase(database)
      const { ran, run } = recorder()
      const { queue, add } = openTestQueue(db, { run })
      const adding = inWriteTransaction(db, async (transaction) => {
        await queue.addJobs(transaction, [{ task: 'short', payload: { name: 'plain' } }])
        await queue.addKeyedJob(transaction, { task: 'slow', key: 'k', payload: { name: 'keyed' } })
        throw new Error('rolled back')
      })
      await expect(adding).rejects.toThrow('rolled back')

      await add({ task: 'short', payload: { name: 'committed' } })

      await vi.waitFor(() => expect(ran).toContain('committed'), 3_000)
      await sleep(500)
      expect(ran).toEqual(['committed'])
    })

    test('L2 a job runs at its time, not before', async () => {
      const db = await openTestDatabase(database)
      const { ran, run } = recorder()
      const { add } = openTestQueue(db, { run })
      await add({ task: 'slow', payload: { name: 'later' }, runAt: Date.now() + 1_000 })

      await sleep(800)
      const before = [...ran]
      await vi.waitFor(() => expect(ran).toEqual(['later']), 3_000)

      expect(before).toEqual([])
    })

    test('L2 a failed job is tried again later, and after its last try stays to be seen', {
      timeout: 40_000,
    }, async () => {
      const db = await openTestDatabase(database)
      const tries: number[] = []
      const { add, queue, logged } = openTestQueue(db, {
        run: async ({ attempt }) => {
          tries.push(attempt)
          throw new Error('GET https://bot:hunter2@bitbucket.test says no, token=abc123')
        },
      })
      const startedAt = Date.now()
      await add({ task: 'short', key: 'seen', payload: { secretish: 'nothing' } })

      await vi.waitFor(() => expect(tries).toEqual([1, 2]), 6_000)
      const second = Date.now() - startedAt
      const between = await queue.listDeadJobs(10)
      await vi.waitFor(async () => {
        await hurryJobs(db)
        expect(tries).toHaveLength(3)
      }, 5_000)
      await vi.waitFor(async () => expect(await queue.listDeadJobs(10)).toHaveLength(1), 15_000)

      expect(tries).toEqual([1, 2, 3])
      expect(second).toBeGreaterThan(2_500) // e seconds
      expect(between).toEqual([])
      const [dead] = await queue.listDeadJobs(10)
      expect(dead).toMatchObject({ task: 'short', key: 'seen', attempts: 3 })
      expect(dead?.error).toBe('GET https://[hidden]@bitbucket.test says no, token=[hidden]')
      expect(Math.abs((dead?.createdAt ?? 0) - startedAt)).toBeLessThan(5_000)
      expect(JSON.stringify(logged)).not.toMatch(/hunter2|abc123/)
      expect((await queue.figures()).dead).toBe(1)
      expect(await queue.forgetDeadJobs(startedAt - 60_000)).toBe(0)
      expect(await queue.forgetDeadJobs(Date.now() + 60_000)).toBe(1)
      expect(await queue.listDeadJobs(10)).toEqual([])
    })

    test('L5 a keyed job that waits is replaced; added while it runs it runs once more, after it', async () => {
      const db = await openTestDatabase(database)
      const { ran, seen, run } = recorder()
      const { addKeyed, add } = openTestQueue(db, { run, times: { graceMs: 2_000 } })
      const job = (name: string, ms: number) => ({ task: 'slow', key: 'stack 1', payload: { name, ms } })
      await add({ task: 'slow', key: 'stack 2', payload: { name: 'replaced' }, runAt: Date.now() + 500 })
      await addKeyed({ task: 'slow', key: 'stack 2', payload: { name: 'its replacement' }, runAt: Date.now() + 60_000 })
      await addKeyed(job('first', 800))
      await sleep(400)

      for (const name of ['second', 'third', 'fourth']) await addKeyed(job(name, 100))

      await vi.waitFor(() => expect(ran).toHaveLength(2), 6_000)
      await sleep(500)
      expect(ran).toEqual(['first', 'fourth'])
      expect(seen.most).toBe(1)
    })

    test('L5 a keyed job that fails while its key was added again leaves the rest to that run', async () => {
      const db = await openTestDatabase(database)
      const ran: unknown[] = []
      const { addKeyed, queue } = openTestQueue(db, {
        run: async ({ payload }) => {
          ran.push(payload.name)
          await sleep(300)
          if (payload.name === 'first') throw new Error('no')
        },
      })
      await addKeyed({ task: 'slow', key: 'k', payload: { name: 'first' } })
      await vi.waitFor(() => expect(ran).toEqual(['first']), 3_000)

      await addKeyed({ task: 'slow', key: 'k', payload: { name: 'second' } })

      await vi.waitFor(() => expect(ran).toEqual(['first', 'second']), 4_000)
      await hurryJobs(db) // a retry would come now
      await sleep(500)
      expect(ran).toEqual(['first', 'second'])
      expect(await queue.listDeadJobs(10)).toEqual([])
    })

    test('L5 a task with a lane of its own never runs beside itself', async () => {
      const db = await openTestDatabase(database)
      const { ran, seen, run } = recorder()
      const { add } = openTestQueue(db, { run })

      await add(...[1, 2, 3, 4, 5].map((name) => ({ task: 'alone', payload: { name, ms: 30 } })))

      await vi.waitFor(() => expect(ran).toHaveLength(5), 8_000)
      expect(seen.most).toBe(1)
    })

    test('R208 stopping finishes what runs, aborts what takes too long, and gives it back', async () => {
      const db = await openTestDatabase(database)
      const ended: string[] = []
      const run = async ({ payload, signal }: RunningJob) => {
        if (payload.name === 'quick') await sleep(150)
        else if (payload.name === 'polite') await sleep(60_000, undefined, { signal }).catch(() => undefined)
        else await sleep(1_500) // deaf
        ended.push(String(payload.name))
      }
      const { add, stop } = openTestQueue(db, { run })
      await add(...['quick', 'polite', 'deaf'].map((name) => ({ task: 'slow', payload: { name } })))
      await sleep(100)
      await add(...Array.from({ length: 50 }, () => ({ task: 'slow', payload: { name: 'deaf' } })))
      const startedAt = Date.now()

      await stop()

      const took = Date.now() - startedAt
      const { queue } = openTestQueue(db)
      const { due } = await queue.figures()
      expect(took).toBeLessThan(1_400)
      expect(ended.sort()).toEqual(['polite', 'quick'])
      // What it gave back on PostgreSQL is tried again e seconds later.
      expect(due).toBeGreaterThanOrEqual(50 - 8)
      await sleep(1_000) // until the deaf ones have ended, too
    })

    test('a job of a task that nobody knows is refused', async () => {
      const db = await openTestDatabase(database)
      const { add } = openTestQueue(db)

      await expect(add({ task: 'unheard-of' })).rejects.toThrow('"unheard-of"')
    })
  })
}
