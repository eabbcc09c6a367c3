import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, inject, onTestFinished } from 'vitest'
import { recordLeftOut } from './left-out.ts'

/** One kind of database that a store or service suite runs on: `for (const database of databases) describe(…)`. */
export interface TestDatabase {
  readonly name: 'sqlite' | 'postgres'
  /**
   * Makes an empty database, or a copy of the template, and gives its URL, spelled as in `MOORING_DATABASE_URL`.
   * It is dropped when the test ends; opened in a hook or outside a test, when the file ends.
   */
  open(template?: Template): Promise<string>
}

/** A database that is built once and then copied for each test: migrated, or filled with many rows. */
export interface Template {
  /** Unique among templates; lower-case letters, digits and underscores. */
  readonly name: string
  /** Builds the template in the empty database at `url`, and closes every connection to it. */
  build(url: string): Promise<void>
}

const sqlite: TestDatabase = { name: 'sqlite', open: openSqlite }
const postgres: TestDatabase = { name: 'postgres', open: openPostgres }

/** Both databases; where PostgreSQL is not installed SQLite alone, and the left-out half is recorded. */
export const databases: readonly TestDatabase[] = listDatabases()

const leftovers: (() => Promise<void>)[] = []
const sqliteTemplates = new Map<string, Promise<string>>()

afterAll(async () => {
  for (const remove of leftovers.splice(0).reverse()) await remove()
})

function listDatabases(): readonly TestDatabase[] {
  if (inject('postgresUrl') !== null) return [sqlite, postgres]
  recordLeftOut('everything on PostgreSQL', ['initdb'])
  return [sqlite]
}

async function openSqlite(template?: Template): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-db-'))
  removeLater(async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const file = join(folder, 'mooring.db')
  if (template) copyFileSync(await sqliteTemplate(template), file)
  return `sqlite:${file}`
}

/** SQLite's template is one file per test file: a process that shares it with others would need a lock. */
function sqliteTemplate(template: Template): Promise<string> {
  const known = sqliteTemplates.get(template.name)
  if (known) return known
  const built = buildSqliteTemplate(template)
  sqliteTemplates.set(template.name, built)
  return built
}

async function buildSqliteTemplate(template: Template): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-template-'))
  leftovers.push(async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const building = join(folder, 'building.db')
  await template.build(`sqlite:${building}`)
  if (existsSync(`${building}-wal`)) throw new Error(`Template "${template.name}" left its SQLite connection open.`)
  const file = join(folder, 'template.db')
  renameSync(building, file)
  return file
}

async function openPostgres(template?: Template): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await asSuperuser(async (client) => {
    const source = template ? await postgresTemplate(client, template) : 'template0'
    await client.query(`create database ${name} template ${source}`)
  })
  removeLater(() => asSuperuser((client) => client.query(`drop database if exists ${name} with (force)`)))
  return urlOf(name)
}

/** PostgreSQL's template serves the whole run; the advisory lock lets one process build it and the others wait. */
async function postgresTemplate(client: pg.Client, template: Template): Promise<string> {
  if (!/^[a-z0-9_]{1,40}$/.test(template.name)) throw new Error(`"${template.name}" cannot name a template.`)
  const name = `template_${template.name}`
  const building = `building_${template.name}`
  await client.query('select pg_advisory_lock(hashtext($1))', [name])
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name])
    if (rowCount === 0) {
      await client.query(`drop database if exists ${building} with (force)`)
      await client.query(`create database ${building} template template0`)
      await template.build(urlOf(building))
      await client.query(`alter database ${building} rename to ${name}`)
    }
  } finally {
    await client.query('select pg_advisory_unlock(hashtext($1))', [name])
  }
  return name
}

async function asSuperuser<Result>(act: (client: pg.Client) => Promise<Result>): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf('postgres') })
  await client.connect()
  try {
    await act(client)
  } finally {
    await client.end()
  }
}

function urlOf(database: string): string {
  const server = inject('postgresUrl')
  if (server === null) throw new Error('PostgreSQL is not installed')
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

function removeLater(remove: () => Promise<void>): void {
  try {
    onTestFinished(remove)
  } catch {
    leftovers.push(remove) // called in a hook or at the top of a file
  }
}
