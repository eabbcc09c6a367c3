import { ServerProblem } from '../../clients/server/problem.ts'
import { slugify } from '../../schemas/rules/slug.ts'
import type { Space } from '../../schemas/space.ts'
import { Description, Labels, Name, Slug, SpaceId } from '../../schemas/text.ts'
import * as s from '../framework/attributes.ts'
import { conforms } from '../framework/conforms.ts'
import { at } from '../framework/diagnostics.ts'
import type { StateOf } from '../framework/infer.ts'
import type { Resource } from '../framework/provider.ts'
import { isUnknown } from '../framework/value.ts'
import { importInstead } from './describe-error.ts'
import { importedSlug } from './imported-slug.ts'
import { diagnoseLoss, stacksThatWouldDetach } from './planned-detach.ts'
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
      validate: [conforms(SpaceId)],
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

  async modifyPlan({ prior, planned }, { client, diagnostics }) {
    if (!prior || !planned) return undefined
    const { parent_space_id, inherit_entities, allow_detach } = planned
    if (isUnknown(parent_space_id) || isUnknown(inherit_entities)) return undefined
    const isMoved = parent_space_id !== prior.parent_space_id
    if (!isMoved && inherit_entities === prior.inherit_entities) return undefined
    const request = {
      params: { id: prior.id },
      query: { dryRun: 'true' },
      body: { parentId: parent_space_id, inheritEntities: inherit_entities },
    } as const
    const stacks = await stacksThatWouldDetach(client, async () => getServer(client).call('updateSpace', request))
    diagnoseLoss(diagnostics, stacks, {
      isAllowed: allow_detach === true,
      cause: `The space "${prior.id}" is to give access to other integrations than now.`,
      path: at(isMoved ? 'parent_space_id' : 'inherit_entities'),
    })
    return undefined
  },

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
    return { id: importedSlug(id, SpaceId) }
  },
}

/** A space by its id; undefined where there is none. */
export async function findSpace(client: ProviderClient, id: string): Promise<Space | undefined> {
  try {
    return await getServer(client).call('getSpace', { params: { id } })
  } catch (error) {
    // Any other 404 says that the request went to the wrong place, not that the space is gone.
    if (error instanceof ServerProblem && error.code === 'space_not_found') return undefined
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
