import { ServerProblem } from '../../clients/server/problem.ts'
import { slugify } from '../../schemas/rules/slug.ts'
import { BranchName, ProjectKey, ProjectRoot, RepositorySlug, type Stack } from '../../schemas/stack.ts'
import { Description, Labels, Name, Slug } from '../../schemas/text.ts'
import * as s from '../framework/attributes.ts'
import { conforms } from '../framework/conforms.ts'
import { at, type Diagnostics } from '../framework/diagnostics.ts'
import type { PlanOf, StateOf } from '../framework/infer.ts'
import type { Resource } from '../framework/provider.ts'
import { isUnknown, unknown } from '../framework/value.ts'
import { importInstead } from './describe-error.ts'
import { importedSlug } from './imported-slug.ts'
import { getServer, type ProviderClient, verification } from './provider-client.ts'

const schema = s.schema({
  description: 'A stack: a folder of a repository whose changes make runs.',
  attributes: {
    id: s.string({ computed: true, description: 'The slug.' }),
    name: s.string({ required: true, validate: [conforms(Name)], description: 'Shown to people; may change.' }),
    slug: s.string({
      optional: true,
      computed: true,
      replace: 'if-configured',
      validate: [conforms(Slug)],
      description: 'Stands for the stack in addresses; made from the name unless given. A change replaces the stack.',
    }),
    space_id: s.string({
      optional: true,
      computed: true,
      validate: [conforms(Slug)],
      description: 'The space that the stack lives in; root unless given.',
    }),
    branch: s.string({
      required: true,
      validate: [conforms(BranchName)],
      description: 'The tracked branch: a push to it makes a tracked run, a push to another a proposed one.',
    }),
    project_root: s.string({
      default: '',
      validate: [conforms(ProjectRoot)],
      description: 'The folder whose changes concern the stack; empty for the whole repository.',
    }),
    repository: s.object(
      {
        integration_id: s.string({
          optional: true,
          validate: [conforms(Slug)],
          description: 'The integration; the default one unless given.',
        }),
        project_key: s.string({
          required: true,
          validate: [conforms(ProjectKey)],
          equal: isSameProjectKey,
          description: 'Key of the Bitbucket project, or ~user for a personal repository.',
        }),
        slug: s.string({
          required: true,
          validate: [conforms(RepositorySlug)],
          description: 'Slug of the repository.',
        }),
      },
      {
        optional: true,
        description:
          'The repository that the stack follows. Leave it out where a mooring_stack_vcs_attachment says so.',
      },
    ),
    labels: s.set('string', { default: [], validate: [conforms(Labels)], description: 'Labels, without order.' }),
    description: s.string({ default: '', validate: [conforms(Description)], description: 'Markdown.' }),
    detached: s.bool({
      computed: true,
      nullable: true,
      changesWith: ['repository'],
      description: 'Whether the stack lost its integration. Null where the repository is not this resource’s.',
    }),
    detached_reason: s.string({
      computed: true,
      nullable: true,
      changesWith: ['repository'],
      description: 'Why it lost it.',
    }),
    integration_is_default: s.bool({
      computed: true,
      nullable: true,
      changesWith: ['repository'],
      description: 'Whether the default integration is used. Null where the repository is not this resource’s.',
    }),
  },
})

type State = StateOf<typeof schema>
type Repository = NonNullable<State['repository']>

export const stack: Resource<typeof schema, ProviderClient> = {
  typeName: 'mooring_stack',
  schema,

  async modifyPlan({ prior, planned }, { client }) {
    const repository = planned?.repository
    if (!prior || !planned || !repository || isUnknown(repository) || isUnknown(repository.integration_id)) {
      return undefined
    }
    if (repository.integration_id === null || !client?.deletedIntegrations.has(repository.integration_id)) {
      return undefined
    }
    return { ...planned, detached: unknown, detached_reason: unknown, integration_is_default: unknown }
  },

  async create(planned, { client }) {
    const { name, slug, space_id } = planned
    const body = {
      ...settingsOf(planned),
      ...(isUnknown(slug) ? {} : { slug }),
      ...(isUnknown(space_id) ? {} : { spaceId: space_id }),
      repository: requestOf(planned.repository),
    }
    try {
      const created = await getServer(client).call('createStack', { query: verification(client), body })
      return stateOf(created, planned.repository, planned.repository !== null)
    } catch (error) {
      throw importInstead(error, 'mooring_stack', isUnknown(slug) ? slugify(name) : slug)
    }
  },

  async read(current, { client, diagnostics }) {
    const found = await findStack(client, current.id)
    if (!found) return undefined
    // An import knows nothing but the id yet, and takes over what the stack itself declares.
    const isImported = current.name === null
    const owns = isImported ? found.attachment?.managedBy === 'stack' : current.repository !== null
    if (owns) warnIfDetached(found, diagnostics)
    return stateOf(found, current.repository ?? null, owns)
  },

  async update(planned, prior, { client }) {
    const ownsOrOwned = planned.repository !== null || prior.repository !== null
    const changed = await getServer(client).call('updateStack', {
      params: { id: prior.id },
      query: verification(client),
      body: {
        ...settingsOf(planned),
        ...(isUnknown(planned.space_id) ? {} : { spaceId: planned.space_id }),
        ...(ownsOrOwned ? { repository: requestOf(planned.repository) } : {}),
      },
    })
    return stateOf(changed, planned.repository, planned.repository !== null)
  },

  async delete(prior, { client }) {
    try {
      await getServer(client).call('deleteStack', { params: { id: prior.id } })
    } catch (error) {
      if (!(error instanceof ServerProblem) || error.code !== 'stack_not_found') throw error
    }
  },

  async importState(id) {
    return { id: importedSlug(id) }
  },
}

/** Project keys are the same in either case; the state keeps the configuration's spelling. */
export function isSameProjectKey(a: string, b: string): boolean {
  return a.toUpperCase() === b.toUpperCase()
}

/** A stack by its id; undefined where there is none. */
export async function findStack(client: ProviderClient, id: string): Promise<Stack | undefined> {
  try {
    return await getServer(client).call('getStack', { params: { id } })
  } catch (error) {
    // Any other 404 says that the request went to the wrong place, not that the stack is gone.
    if (error instanceof ServerProblem && error.code === 'stack_not_found') return undefined
    throw error
  }
}

/** Says why and since when a stack has no integration any more (R81). */
export function warnIfDetached(found: Stack, diagnostics: Diagnostics): void {
  const { detached, id } = found
  if (!detached) return
  diagnostics.warning(
    'The stack is detached',
    `The stack "${id}" lost its integration at ${detached.since} (${detached.reason}) and refuses events. It followed ${detached.projectKey}/${detached.repositorySlug}. The next apply attaches it again, as the configuration says.`,
    at('repository'),
  )
}

function settingsOf(planned: PlanOf<typeof schema>) {
  return {
    name: planned.name,
    branch: planned.branch,
    projectRoot: planned.project_root,
    labels: [...planned.labels],
    description: planned.description,
  }
}

function requestOf(repository: Repository | null) {
  if (repository === null) return null
  return {
    integrationId: repository.integration_id,
    projectKey: repository.project_key,
    repositorySlug: repository.slug,
  }
}

/** `owns`: the attachment is this resource's; else it shows nothing of it, so that nobody else's change is its drift. */
function stateOf(found: Stack, known: Repository | null, owns: boolean): State {
  const { attachment } = found
  return {
    id: found.id,
    name: found.name,
    slug: found.id,
    space_id: found.spaceId,
    branch: found.branch,
    project_root: found.projectRoot,
    repository:
      owns && attachment
        ? {
            integration_id: attachment.usesDefault ? null : attachment.integrationId,
            project_key:
              known && isSameProjectKey(known.project_key, attachment.projectKey)
                ? known.project_key
                : attachment.projectKey,
            slug: attachment.repositorySlug,
          }
        : null,
    labels: found.labels,
    description: found.description,
    detached: owns ? found.detached !== null : null,
    detached_reason: owns ? (found.detached?.reason ?? null) : null,
    integration_is_default: owns ? (attachment?.usesDefault ?? null) : null,
  }
}
