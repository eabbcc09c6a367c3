import { ServerProblem } from '../../clients/server/problem.ts'
import { ApiHost, UserFacingHost } from '../../schemas/hosts.ts'
import { type Integration, NewIntegration } from '../../schemas/integration.ts'
import { slugify } from '../../schemas/rules/slug.ts'
import { Description, Labels, Name, Slug } from '../../schemas/text.ts'
import * as s from '../framework/attributes.ts'
import { conforms } from '../framework/conforms.ts'
import { at, DiagnosticError, type Diagnostics } from '../framework/diagnostics.ts'
import type { ConfigOf, PlanOf, StateOf, UnresolvedFields } from '../framework/infer.ts'
import type { Resource } from '../framework/provider.ts'
import { isUnknown, unknown } from '../framework/value.ts'
import { importInstead } from './describe-error.ts'
import { importedSlug } from './imported-slug.ts'
import { diagnoseLoss, stacksThatWouldDetach, warnAboutAttached } from './planned-detach.ts'
import { getServer, type ProviderClient } from './provider-client.ts'
import { nullIfUnset, warnAboutDetached } from './shared-attributes.ts'

const schema = s.schema({
  description: 'A Bitbucket Data Center integration: where Bitbucket is, and how Mooring reads it.',
  attributes: {
    id: s.string({ computed: true, description: 'The slug of the name; the webhook endpoint ends in it.' }),
    name: s.string({
      required: true,
      replace: true,
      validate: [
        conforms(Name),
        (name: string) =>
          slugify(name) === '' ? [{ message: 'The webhook endpoint is made of it: use Latin letters or digits.' }] : [],
      ],
      description: 'Cannot change: the webhook endpoint is built from it. Another name replaces the integration.',
    }),
    is_default: s.bool({
      default: false,
      replace: true,
      description: 'The one integration that every stack may use; it lives in the space root.',
    }),
    space_id: s.string({
      default: 'root',
      validate: [conforms(Slug)],
      description:
        'Stacks of this space, and of spaces that inherit from it, may use the integration. A change moves it.',
    }),
    api_host: s.string({
      required: true,
      validate: [conforms(ApiHost), warnAboutHttp],
      description: 'URL of Bitbucket, with its context path. A change sends the access token again.',
    }),
    user_facing_host: s.string({
      optional: true,
      computed: true,
      changesWith: ['api_host'],
      validate: [conforms(UserFacingHost)],
      description: 'URL of Bitbucket in links that people see; api_host unless given.',
    }),
    username: s.string({ optional: true, description: 'The user that the access token belongs to.' }),
    access_token: s.string({
      optional: true,
      sensitive: true,
      validate: [conforms(NewIntegration.shape.accessToken)],
      description: 'HTTP access token with read permission. It is kept in the state: prefer access_token_wo.',
    }),
    access_token_wo: s.string({
      optional: true,
      sensitive: true,
      writeOnly: true,
      validate: [conforms(NewIntegration.shape.accessToken)],
      description:
        'HTTP access token with read permission; never in the state. Give it an ephemeral variable or resource: what is written into the configuration itself, Terraform copies into a saved plan. Needs Terraform 1.11.',
    }),
    access_token_wo_version: s.string({
      optional: true,
      description: 'Change it to send another access_token_wo.',
    }),
    labels: s.set('string', { default: [], validate: [conforms(Labels)], description: 'Labels, without order.' }),
    description: s.string({ default: '', validate: [conforms(Description)], description: 'Markdown.' }),
    allow_detach: s.bool({ default: false, description: 'Lets a move to another space detach stacks.' }),
    allow_detach_on_destroy: s.bool({
      default: true,
      description: 'False: the integration cannot be deleted, by anybody, while stacks are attached to it.',
    }),
    webhook_url: s.string({ computed: true, description: 'The webhook endpoint, to be entered in Bitbucket.' }),
    created_at: s.string({ computed: true, description: 'When it was created, RFC 3339.' }),
  },
})

type State = StateOf<typeof schema>
type Plan = PlanOf<typeof schema>
type Config = ConfigOf<typeof schema>

export const integration: Resource<typeof schema, ProviderClient> = {
  typeName: 'mooring_bitbucket_datacenter_integration',
  schema,

  validate(config, { diagnostics }) {
    if (config.access_token !== null && config.access_token_wo !== null) {
      diagnostics.error('Two access tokens', 'Set access_token or access_token_wo, not both.', at('access_token'))
    }
    const space = config.space_id
    if (config.is_default === true && typeof space === 'string' && space !== 'root') {
      diagnostics.error(
        'A default integration lives in root',
        'Leave space_id out, or set it to "root".',
        at('space_id'),
      )
    }
  },

  async modifyPlan({ config, prior, planned }, { client, diagnostics }) {
    if (!planned || !config) {
      if (prior) warnAboutAttached(diagnostics, prior.id, await attachedStacks(client, prior.id), [])
      return undefined
    }
    const isReplaced = prior !== null && (prior.name !== planned.name || prior.is_default !== planned.is_default)
    if ((prior === null || isReplaced) && config.access_token === null && config.access_token_wo === null) {
      diagnostics.error(
        'An access token is needed',
        'A new integration needs access_token_wo (in neither plan nor state) or access_token.',
        at('access_token'),
      )
    }
    if (isReplaced && !isUnknown(planned.name)) {
      const keepsUrl = slugify(planned.name) === prior.id
      const path = at(prior.name === planned.name ? 'is_default' : 'name')
      diagnostics.warning(
        'The integration will be replaced',
        `Its stacks are detached, and its webhook secret changes. The webhook endpoint ${keepsUrl ? 'stays' : 'changes too'}.`,
        path,
      )
      warnAboutAttached(diagnostics, prior.id, await attachedStacks(client, prior.id), path)
    } else if (prior !== null) {
      await checkMove(prior, planned.space_id, planned.allow_detach === true, client, diagnostics)
    }
    return { ...planned, user_facing_host: plannedUserFacingHost(config, planned) }
  },

  async create(planned, { client, config }) {
    const body = {
      ...settingsOf(planned, config),
      name: planned.name,
      isDefault: planned.is_default,
      accessToken: config.access_token ?? config.access_token_wo ?? '',
    }
    try {
      return stateOf(await getServer(client).call('createIntegration', { body }), planned)
    } catch (error) {
      if (error instanceof ServerProblem && error.code === 'default_integration_exists') {
        throw new DiagnosticError('There is a default integration already', error.message, at('is_default'))
      }
      throw importInstead(error, 'mooring_bitbucket_datacenter_integration', slugify(planned.name))
    }
  },

  async read(current, { client }) {
    const found = await findIntegration(client, current.id)
    return found && stateOf(found, current)
  },

  async update(planned, prior, { client, config, diagnostics }) {
    const { integration: changed, detached } = await getServer(client).call('updateIntegration', {
      params: { id: prior.id },
      query: { force: planned.allow_detach ? 'true' : 'false' },
      body: { ...settingsOf(planned, config), ...tokenToSend(planned, prior, config) },
    })
    warnAboutDetached(diagnostics, `The integration "${prior.id}" moved to another space.`, detached)
    return stateOf(changed, planned)
  },

  async delete(prior, { client, diagnostics }) {
    try {
      const { detached } = await getServer(client).call('deleteIntegration', { params: { id: prior.id }, query: {} })
      client.deletedIntegrations.add(prior.id)
      warnAboutDetached(diagnostics, `The integration "${prior.id}" is deleted.`, detached)
    } catch (error) {
      if (!(error instanceof ServerProblem) || error.code !== 'integration_not_found') throw error
    }
  },

  /** By id, or by `name:<name>`. */
  async importState(id) {
    return { id: importedSlug(id.startsWith('name:') ? slugify(id.slice('name:'.length)) : id) }
  },
}

/** An integration by its id; undefined where there is none. */
export async function findIntegration(client: ProviderClient, id: string): Promise<Integration | undefined> {
  try {
    return await getServer(client).call('getIntegration', { params: { id } })
  } catch (error) {
    // Any other 404 says that the request went to the wrong place, not that the integration is gone.
    if (error instanceof ServerProblem && error.code === 'integration_not_found') return undefined
    throw error
  }
}

/** The address that people see follows api_host as soon as the configuration names none. */
function plannedUserFacingHost(config: UnresolvedFields<Config>, planned: UnresolvedFields<Plan>) {
  if (config.user_facing_host !== null) return planned.user_facing_host
  return isUnknown(planned.api_host) || planned.api_host.startsWith('private://') ? unknown : planned.api_host
}

async function attachedStacks(client: ProviderClient | undefined, id: string): Promise<readonly string[]> {
  return stacksThatWouldDetach(client, async () =>
    getServer(client).call('deleteIntegration', { params: { id }, query: { dryRun: 'true' } }),
  )
}

async function checkMove(
  { id, space_id }: State,
  target: string | typeof unknown,
  isAllowed: boolean,
  client: ProviderClient | undefined,
  diagnostics: Diagnostics,
): Promise<void> {
  if (isUnknown(target) || target === space_id) return
  const request = { params: { id }, query: { dryRun: 'true' }, body: { spaceId: target } } as const
  const stacks = await stacksThatWouldDetach(client, async () => getServer(client).call('updateIntegration', request))
  const cause = `The integration "${id}" is to move to the space "${target}".`
  diagnoseLoss(diagnostics, stacks, { isAllowed, cause, path: at('space_id') })
}

/** A stored token does not follow a changed host (S28), so the configuration's is sent along with one. */
function tokenToSend(planned: Plan, prior: State, config: Config): { accessToken?: string } {
  const isNew =
    planned.api_host !== prior.api_host ||
    planned.access_token_wo_version !== prior.access_token_wo_version ||
    planned.access_token !== prior.access_token
  const token = config.access_token ?? config.access_token_wo
  return isNew && token !== null ? { accessToken: token } : {}
}

function settingsOf(planned: Plan, config: Config) {
  return {
    spaceId: planned.space_id,
    apiHost: planned.api_host,
    userFacingHost: config.user_facing_host,
    username: planned.username ?? '',
    labels: [...planned.labels],
    description: planned.description,
    allowDetachOnDestroy: planned.allow_detach_on_destroy,
  }
}

function stateOf(found: Integration, known: Plan | State): State {
  return {
    id: found.id,
    name: found.name,
    is_default: found.isDefault,
    space_id: found.spaceId,
    api_host: found.apiHost,
    user_facing_host: found.userFacingHost,
    username: nullIfUnset(known.username, found.username, ''),
    access_token: known.access_token,
    access_token_wo: null,
    access_token_wo_version: known.access_token_wo_version,
    labels: found.labels,
    description: found.description,
    // An import has none of its own yet.
    allow_detach: known.allow_detach ?? false,
    allow_detach_on_destroy: found.allowDetachOnDestroy,
    webhook_url: found.webhookUrl,
    created_at: found.createdAt,
  }
}

function warnAboutHttp(host: string) {
  const isPlain = /^http:\/\//i.test(host) && !/^http:\/\/(?:localhost|127\.|\[::1\])/i.test(host)
  if (!isPlain) return []
  return [{ severity: 'warning' as const, message: 'The access token travels unencrypted: use https.' }]
}
