import { ServerProblem } from '../../clients/server/problem.ts'
import { slugify } from '../../schemas/rules/slug.ts'
import type { Space } from '../../schemas/space.ts'
import { Description, Labels, Name, Slug } from '../../schemas/text.ts'
import * as s from '../framework/attributes.ts'
import { conforms } from '../framework/conforms.ts'
import type { StateOf } from '../framework/infer.ts'
import type { Resource } from '../framework/provider.ts'
import { isUnknown } from '../framework/value.ts'
import { importInstead } from './describe-error.ts'
import { getServer, type ProviderClient } from './provider-client.ts'
import { warnAboutDetached } from './shared-attributes.ts'

const schema = s.schema({
  description: 'A space: it holds integrations and stacks, and may use what its ancestors hold.',
  attributes: {
    id: s.string({ computed: true, description: 'The slug.' }),
    name: s.string({ required: true, validate: [conforms(Name)], description: 'Shown to people; may change.' }),
    slug: s.string({
      optional: true,
      computed: true,
      replace: 'if-configured',
      validate: [conforms(Slug)],
      description: 'Stands for the space in addresses; made from the name unless given. A change replaces the space.',
    }),
    parent_space_id: s.string({
      default: 'root',
      validate: [conforms(Slug)],
      description: 'The space above; root unless given.',
    }),
    inherit_entities: s.bool({
      default: false,
      description: 'Whether stacks here may use the integrations that the parent space may use.',
    }),
    allow_detach: s.bool({
      default: false,
      description: 'Lets a move, or the end of inheritance, detach stacks; else it is refused while it would.',
    }),
    description: s.string({ default: '', validate: [conforms(Description)], description: 'Markdown.' }),
    labels: s.set('string', { default: [], validate: [conforms(Labels)], description: 'Labels, without order.' }),
  },
})

type State = StateOf<typeof schema>

export const space: Resource<typeof schema, ProviderClient> = {
  typeName: 'mooring_space',
  schema,

  async create(planned, { client }) {
    const { name, slug, parent_space_id, inherit_entities, labels, description } = planned
    const body = {
      name,
      ...(isUnknown(slug) ? {} : { slug }),
      parentId: parent_space_id,
      inheritEntities: inherit_entities,
      labels: [...labels],
      description,
    }
    try {
      return stateOf(await getServer(client).call('createSpace', { body }), planned.allow_detach)
    } catch (error) {
      throw importInstead(error, 'mooring_space', isUnknown(slug) ? slugify(name) : slug)
    }
  },

  async read(current, { client }) {
    const found = await findSpace(client, current.id)
    return found && stateOf(found, current.allow_detach ?? false)
  },

  async update(planned, prior, { client, diagnostics }) {
    const { space: changed, detached } = await getServer(client).call('updateSpace', {
      params: { id: prior.id },
      query: { force: planned.allow_detach ? 'true' : 'false' },
      body: {
        name: planned.name,
        parentId: planned.parent_space_id,
        inheritEntities: planned.inherit_entities,
        labels: [...planned.labels],
        description: planned.description,
      },
    })
    warnAboutDetached(diagnostics, `The space "${prior.id}" no longer gives access to an integration.`, detached)
    return stateOf(changed, planned.allow_detach)
  },

  async delete(prior, { client }) {
    try {
      await getServer(client).call('deleteSpace', { params: { id: prior.id } })
    } catch (error) {
      if (!(error instanceof ServerProblem) || error.code !== 'space_not_found') throw error
    }
  },

  async importState(id) {
    return { id }
  },
}

/** A space by its id; undefined where there is none. */
export async function findSpace(client: ProviderClient, id: string): Promise<Space | undefined> {
  try {
    return await getServer(client).call('getSpace', { params: { id } })
  } catch (error) {
    if (error instanceof ServerProblem && error.status === 404) return undefined
    throw error
  }
}

function stateOf(found: Space, allowDetach: boolean): State {
  return {
    id: found.id,
    name: found.name,
    slug: found.id,
    parent_space_id: found.parentId ?? '',
    inherit_entities: found.inheritEntities,
    allow_detach: allowDetach,
    description: found.description,
    labels: found.labels,
  }
}
