import { existsSync } from 'node:fs'
import SqliteDatabase from 'better-sqlite3'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { databases, type Template } from './databases.ts'

let builds = 0
const template: Template = {
  name: 'support',
  async build(url) {
    builds += 1
    await run(url, 'create table facts (fact text)')
    await run(url, "insert into facts values ('built')")
  },
}

for (const database of databases) {
  describe(database.name, () => {
    let ofTheFile = ''
    let ofTheTest = ''
    beforeAll(async () => {
      ofTheFile = await database.open()
    })

    test('gives every test a database of its own', async () => {
      const [one, other] = [await database.open(), await database.open()]

      await run(one, 'create table facts (fact text)')

      expect(one).not.toBe(other)
      await expect(run(other, 'select * from facts')).rejects.toThrow(/facts/)
    })

    test('copies a template that it builds once', async () => {
      builds = 0
      const [one, other] = [await database.open(template), await database.open(template)]

      await run(one, 'delete from facts')

      expect(await run(other, 'select fact from facts')).toEqual([{ fact: 'built' }])
      expect(builds).toBe(1)
      ofTheTest = one
    })

    test('drops a database when its test ends, and keeps one that a hook opened', async () => {
      expect(ofTheTest).not.toBe('')
      expect(await exists(ofTheTest)).toBe(false)
      expect(await run(ofTheFile, 'select 1 as one')).toEqual([{ one: 1 }])
    })
  })
}

describe.runIf(databases.some(({ name }) => name === 'postgres'))('the PostgreSQL server', () => {
  test('flushes as in production', async () => {
    const url = await databases.find(({ name }) => name === 'postgres')?.open()

    expect(await run(url ?? '', 'show fsync')).toEqual([{ fsync: 'on' }])
    expect(await run(url ?? '', 'show synchronous_commit')).toEqual([{ synchronous_commit: 'on' }])
  })
})

async function run(url: string, sql: string): Promise<unknown[]> {
  if (url.startsWith('sqlite:')) {
    const connection = new SqliteDatabase(url.slice('sqlite:'.length))
    try {
      const statement = connection.prepare(sql)
      if (statement.reader) return statement.all()
      statement.run()
      return []
    } finally {
      connection.close()
    }
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

async function exists(url: string): Promise<boolean> {
  if (url.startsWith('sqlite:')) return existsSync(url.slice('sqlite:'.length))
  return run(url, 'select 1').then(
    () => true,
    () => false,
  )
}
