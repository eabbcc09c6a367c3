import * as z from 'zod'
import { NewIntegration } from '../../schemas/integration.ts'
import { Problem } from '../../schemas/problem.ts'
import { slugify } from '../../schemas/rules/slug.ts'
import { NewSpace, rootSpaceId } from '../../schemas/space.ts'
import { SpaceId } from '../../schemas/text.ts'
import { NewVcsAgentPool } from '../../schemas/vcs-agent-pool.ts'
import type { Caller } from '../core/authorise.ts'
import { createIntegration } from './integrations.ts'
import { createSpace, type SpaceDependencies } from './spaces.ts'
import { createVcsAgentPool } from './vcs-agent-pools.ts'

/** The parts of a Terraform state, format 4, that are read. */
const TerraformState = z.object({
  version: z.literal(4, 'expected a Terraform state of format 4, as `terraform state pull` prints it'),
  resources: z.array(
    z.object({
      mode: z.string(),
      type: z.string(),
      name: z.string(),
      instances: z.array(z.object({ attributes: z.record(z.string(), z.unknown()).nullish() })),
    }),
  ),
})

const nullable = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().transform((value) => value ?? undefined)
const SpaceAttributes = z.object({
  id: SpaceId,
  name: z.string(),
  parent_space_id: nullable(z.string()),
  inherit_entities: nullable(z.boolean()),
  labels: nullable(z.array(z.string())),
  description: nullable(z.string()),
})
const IntegrationAttributes = z.object({
  id: z.string(),
  name: z.string(),
  is_default: z.boolean(),
  space_id: nullable(z.string()),
  api_host: z.string(),
  user_facing_host: nullable(z.string()),
  username: nullable(z.string()),
  labels: nullable(z.array(z.string())),
  description: nullable(z.string()),
  vcs_checks: nullable(z.string()),
  use_git_checkout: nullable(z.boolean()),
})
const PoolAttributes = z.object({ id: z.string(), name: z.string(), description: nullable(z.string()) })

/** What an import did, object by object, in words for people. */
export interface ImportReport {
  readonly created: string[]
  /** Was there already under the same id; left as it is. */
  readonly present: string[]
  readonly failed: string[]
  /** The integrations whose access token has to be set. */
  readonly tokensToSet: string[]
}

/** The operator at the server's own machine: he has the database anyhow. */
const operator: Caller = {
  kind: 'operator',
  keyId: null,
  userId: null,
  grants: [{ role: 'admin', spaceId: rootSpaceId }],
  integrations: null,
}

/**
 * Creates the spaces, VCS agent pools and Bitbucket Data Center integrations of a Terraform state under the same ids
 * (R210b); what exists is left alone, so that it can be repeated. Tokens are not taken: whoever could read the state
 * knows them. `state` is the parsed file.
 *
 * @throws Error where it is no Terraform state
 */
export async function importSpacelift(dependencies: SpaceDependencies, state: unknown): Promise<ImportReport> {
  const parsed = TerraformState.safeParse(state)
  if (!parsed.success) throw new Error(`This is no Terraform state: ${wrongFields(parsed.error)}`)
  const attributesOf = (type: string) =>
    parsed.data.resources
      .filter((resource) => resource.mode === 'managed' && resource.type === `spacelift_${type}`)
      .flatMap(({ name, instances }) =>
        instances.map(({ attributes }) => ({ place: `spacelift_${type}.${name}`, attributes: attributes ?? {} })),
      )
  const report: ImportReport = { created: [], present: [], failed: [], tokensToSet: [] }

  for (const { place, attributes } of parentsFirst(attributesOf('space'))) {
    await attempt(report, place, async () => {
      const { id, parent_space_id, ...given } = SpaceAttributes.parse(attributes)
      const { slug: _slug, ...space } = NewSpace.parse({
        name: given.name,
        parentId: parent_space_id ?? rootSpaceId,
        inheritEntities: given.inherit_entities,
        labels: given.labels,
        description: given.description,
      })
      await createSpace(dependencies, operator, { ...space, slug: id })
      return `space ${id}`
    })
  }
  for (const { place, attributes } of attributesOf('vcs_agent_pool')) {
    await attempt(report, place, async () => {
      const { name, description } = PoolAttributes.parse(attributes)
      await createVcsAgentPool(dependencies, operator, NewVcsAgentPool.parse({ name, description }))
      return `VCS agent pool ${name}`
    })
  }
  for (const { place, attributes } of attributesOf('bitbucket_datacenter_integration')) {
    await attempt(report, place, async () => {
      const given = IntegrationAttributes.parse(attributes)
      if (slugify(given.name) !== given.id) {
        throw new Error(`its id "${given.id}" is not what its name gives ("${slugify(given.name)}")`)
      }
      const integration = NewIntegration.parse({
        name: given.name,
        isDefault: given.is_default,
        spaceId: given.space_id,
        apiHost: given.api_host,
        userFacingHost: given.user_facing_host,
        username: given.username,
        accessToken: 'none',
        labels: given.labels,
        description: given.description,
        vcsChecks: given.vcs_checks,
        useGitCheckout: given.use_git_checkout,
      })
      // Without a token every call of it is refused by Bitbucket, and the connection test says why.
      const { id } = await createIntegration(dependencies, operator, { ...integration, accessToken: '' })
      report.tokensToSet.push(id)
      return `integration ${id}`
    })
  }
  return report
}

/** Spaces in an order in which each comes after its parent, where the parent is among them. */
function parentsFirst<Item extends { readonly attributes: Record<string, unknown> }>(spaces: readonly Item[]): Item[] {
  const waiting = [...spaces]
  const ordered: Item[] = []
  while (waiting.length > 0) {
    const ids = new Set(waiting.map(({ attributes }) => attributes.id))
    const at = waiting.findIndex(({ attributes }) => !ids.has(attributes.parent_space_id))
    // A cycle: whichever comes first fails with its own message.
    ordered.push(...waiting.splice(Math.max(at, 0), 1))
  }
  return ordered
}

async function attempt(report: ImportReport, place: string, act: () => Promise<string>): Promise<void> {
  try {
    report.created.push(await act())
  } catch (error) {
    if (error instanceof Problem && error.code === 'name_taken') report.present.push(place)
    else if (error instanceof z.ZodError) report.failed.push(`${place}: ${wrongFields(error)}`)
    else if (error instanceof Error) report.failed.push(`${place}: ${error.message}`)
    else throw error
  }
}

function wrongFields(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'the file'}: ${message}`).join('; ')
}
