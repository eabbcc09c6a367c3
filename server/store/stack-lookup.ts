import { sql } from 'kysely'
import { recordAudit } from './audit.ts'
import { inWriteTransaction } from './dialect/transactions.ts'
import type { StackKindName } from './stacks.ts'
import type { Database } from './tables.ts'

/** The branches that a repository's stacks track, and what kinds of stack there are on each. */
export interface FollowedBranch {
  readonly repositoryId: number
  readonly branch: string
  /** Whether some stack of the branch cares for a part of the repository only, so that changed files matter (L22). */
  readonly hasFiltered: boolean
  /** `PROJECT/slug` as stored with one of its stacks. */
  readonly repositoryKey: string | null
}

/** Who follows the repositories that a batch of deliveries names. */
export interface Following {
  readonly branches: readonly FollowedBranch[]
  /** Those of the `PROJECT/slug` keys that belong to a stack whose repository's id is not known yet (R47). */
  readonly keysWithoutId: ReadonlySet<string>
}

/**
 * Finds which branches of the repositories are tracked by stacks of the integration, and which of the keys wait for
 * an id, in one statement. It takes one step through the index per branch, however many stacks there are.
 */
export async function findFollowing(
  db: Database,
  integrationId: string,
  repositoryIds: readonly number[],
  repositoryKeys: readonly string[],
): Promise<Following> {
  if (repositoryIds.length === 0) return { branches: [], keysWithoutId: new Set() }
  const wanted = sql.join(
    repositoryIds.map((id) => sql`select cast(${id} as bigint) as repository_id`),
    sql` union all `,
  )
  const stackOf = (place: 'wanted' | 'followed') => sql`
    from stack where integration_id = ${integrationId} and stack.repository_id = ${sql.ref(`${place}.repository_id`)}`
  const branchOf = sql`${stackOf('followed')} and stack.branch = followed.branch`
  const { rows } = await sql<{
    readonly repositoryId: number | null
    readonly branch: string
    readonly filtered: number
    readonly repositoryKey: string | null
  }>`
    with recursive wanted(repository_id) as (${wanted}), followed(repository_id, branch) as (
      select wanted.repository_id, (select min(branch) ${stackOf('wanted')}) from wanted
      union all
      select followed.repository_id, (select min(branch) ${stackOf('followed')} and stack.branch > followed.branch)
      from followed where followed.branch is not null
    )
    select followed.repository_id as "repositoryId", followed.branch as branch,
      case when exists (select 1 ${branchOf} and normal_root > '') then 1 else 0 end as filtered,
      (select repository_key ${branchOf} limit 1) as "repositoryKey"
    from followed where followed.branch is not null
    union all
    select distinct cast(null as bigint), '', 0, repository_key from stack
    where integration_id = ${integrationId} and repository_id is null
      -- An expression, so that the index is searched for the few stacks without an id and not for a monorepo's many.
      and coalesce(repository_key, '') in (${sql.join([...repositoryKeys, ''])})`.execute(db)
  const branches: FollowedBranch[] = []
  const keysWithoutId = new Set<string>()
  for (const { repositoryId, branch, filtered, repositoryKey } of rows) {
    if (repositoryId !== null) branches.push({ repositoryId, branch, hasFiltered: filtered === 1, repositoryKey })
    else if (repositoryKey !== null) keysWithoutId.add(repositoryKey)
  }
  return { branches, keysWithoutId }
}

/** Stores the id that Bitbucket gave for the repository with each stack that was waiting for it (R47). */
export async function storeRepositoryId(
  db: Database,
  integrationId: string,
  repositoryKey: string,
  repositoryId: number,
): Promise<void> {
  await db
    .updateTable('stack')
    .set({ repository_id: repositoryId })
    .where('integration_id', '=', integrationId)
    .where('repository_id', 'is', null)
    .where('repository_key', '=', repositoryKey)
    .execute()
}

/** Where Bitbucket says that a repository is now. */
export interface RepositoryPlace {
  readonly repositoryId: number
  readonly projectKey: string
  readonly repositorySlug: string
}

/** Makes the stored names follow a repository that was renamed or moved, and records it (R47). */
export async function followRepository(
  db: Database,
  integrationId: string,
  place: RepositoryPlace,
  now: number,
): Promise<void> {
  await inWriteTransaction(db, async (transaction) => {
    const moved = await transaction
      .updateTable('stack')
      .set({
        project_key: place.projectKey,
        repository_slug: place.repositorySlug,
        repository_key: repositoryKey(place.projectKey, place.repositorySlug),
      })
      .where('integration_id', '=', integrationId)
      .where('repository_id', '=', place.repositoryId)
      .where('repository_key', '!=', repositoryKey(place.projectKey, place.repositorySlug))
      .returning(['kind', 'slug'])
      .execute()
    if (moved.length === 0) return
    const details = {
      repositoryId: place.repositoryId,
      projectKey: place.projectKey,
      repositorySlug: place.repositorySlug,
    }
    await recordAudit(
      transaction,
      now,
      moved.map(({ kind, slug }) => ({
        actor: 'server',
        action: `${kind}.follow_repository`,
        object: `${kind}:${slug}`,
        details,
      })),
    )
  })
}

/** The form in which repositories without a known id are compared: the project's key has no case. */
export function repositoryKey(projectKey: string, repositorySlug: string): string {
  return `${projectKey.toUpperCase()}/${repositorySlug}`
}

/** The stacks that a push may concern. */
export interface StackQuery {
  readonly repositoryId: number
  readonly branches: readonly string[]
  /** The folders that changed, "" among them; undefined: all of them. */
  readonly roots: Iterable<string> | undefined
}

/** A stack, as far as a push decides about it. */
export interface CandidateStack {
  readonly id: string
  readonly kind: StackKindName
  readonly slug: string
  readonly name: string
  readonly repositoryId: number
  readonly branch: string
  readonly normalRoot: string
  readonly headCommit: string | null
}

/** Both databases take more parameters in one statement, but not many more. */
const mostParameters = 15_000

/**
 * Finds the stacks of the integration that lie at one of the changed folders, for several pushes in one statement:
 * the folders are looked up in the index, not the stacks read through (R60). A stack that several pushes concern
 * comes once.
 */
export async function findAffectedStacks(
  db: Database,
  integrationId: string,
  queries: readonly StackQuery[],
): Promise<CandidateStack[]> {
  const found = new Map<string, CandidateStack>()
  for (const batch of inBatches(queries)) {
    const rows = await db
      .selectFrom('stack')
      .select(['id', 'kind', 'slug', 'name', 'branch', 'repository_id', 'normal_root', 'head_commit'])
      .where('integration_id', '=', integrationId)
      .where('detached', '=', 0)
      .where((eb) =>
        eb.or(
          batch.map(({ repositoryId, branches, roots }) =>
            eb.and([
              // Repeated, since SQLite uses the index for each alternative only if it stands in it.
              eb('integration_id', '=', integrationId),
              eb('repository_id', '=', repositoryId),
              eb('branch', 'in', branches),
              ...(roots === undefined ? [] : [eb('normal_root', 'in', roots)]),
            ]),
          ),
        ),
      )
      .execute()
    for (const row of rows) {
      found.set(row.id, {
        id: row.id,
        kind: row.kind,
        slug: row.slug,
        name: row.name,
        repositoryId: row.repository_id ?? 0,
        branch: row.branch,
        normalRoot: row.normal_root,
        headCommit: row.head_commit,
      })
    }
  }
  return [...found.values()].sort((one, other) => (one.id < other.id ? -1 : 1))
}

interface LookupBatch {
  readonly repositoryId: number
  readonly branches: readonly string[]
  readonly roots: readonly string[] | undefined
}

/** Cuts the queries so that no statement has too many parameters. */
function* inBatches(queries: readonly StackQuery[]): Generator<LookupBatch[]> {
  let batch: LookupBatch[] = []
  let size = 0
  for (const { repositoryId, branches, roots } of queries) {
    if (branches.length === 0) continue
    for (const part of partsOf(roots === undefined ? undefined : [...roots])) {
      const parameters = branches.length + (part?.length ?? 0) + 2
      if (batch.length > 0 && size + parameters > mostParameters) {
        yield batch
        batch = []
        size = 0
      }
      batch.push({ repositoryId, branches, roots: part })
      size += parameters
    }
  }
  if (batch.length > 0) yield batch
}

function partsOf(roots: readonly string[] | undefined): (readonly string[] | undefined)[] {
  if (roots === undefined) return [undefined]
  const parts: (readonly string[])[] = []
  for (let at = 0; at < roots.length; at += 10_000) parts.push(roots.slice(at, at + 10_000))
  return parts
}
