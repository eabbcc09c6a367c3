import { ServerProblem } from '../../clients/server/problem.ts'
import { type Attachment, ProjectKey, RepositorySlug } from '../../schemas/stack.ts'
import { Slug } from '../../schemas/text.ts'
import * as s from '../framework/attributes.ts'
import { conforms } from '../framework/conforms.ts'
import { at, DiagnosticError } from '../framework/diagnostics.ts'
import type { PlanOf, StateOf } from '../framework/infer.ts'
import type { Resource } from '../framework/provider.ts'
import { isUnknown, unknown } from '../framework/value.ts'
import { importExisting } from './describe-error.ts'
import { importedSlug } from './imported-slug.ts'
import { getServer, type ProviderClient, verification } from './provider-client.ts'
import { findStack, isSameProjectKey, warnIfDetached } from './stack.ts'

const schema = s.schema({
  description: 'Attaches a stack to a repository, where the stack does not say itself which one it follows.',
  attributes: {
    id: s.string({ computed: true, description: 'The id of the stack.' }),
    stack_id: s.string({ required: true, replace: true, validate: [conforms(Slug)], description: 'The stack.' }),
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
    repository_slug: s.string({
      required: true,
      validate: [conforms(RepositorySlug)],
      description: 'Slug of the repository.',
    }),
  },
})

export const stackVcsAttachment: Resource<typeof schema, ProviderClient> = {
  typeName: 'mooring_stack_vcs_attachment',
  schema,

  async modifyPlan({ prior, planned }, { client }) {
    if (!prior || !planned || planned.integration_id === null) return undefined
    // An id that may become known later is how a plan leaves room for an update that it cannot foresee.
    const isRewritten = isUnknown(planned.integration_id) || client?.deletedIntegrations.has(planned.integration_id)
    return isRewritten ? { ...planned, id: unknown } : undefined
  },

  async create(planned, { client }) {
    const request = { params: { id: planned.stack_id }, query: verification(client), body: bodyOf(planned) }
    try {
      return stateOf(await getServer(client).call('attachStack', request))
    } catch (error) {
      if (!(error instanceof ServerProblem) || error.code !== 'stack_already_attached') throw error
      const existing = await findStack(client, planned.stack_id)
      if (existing?.attachment?.managedBy === 'attachment') {
        throw importExisting(error, 'mooring_stack_vcs_attachment', planned.stack_id, at('stack_id'))
      }
      throw new DiagnosticError(
        'The stack declares its repository itself',
        `${error.message} Leave repository out of the stack, or leave this attachment out.`,
        at('stack_id'),
      )
    }
  },

  async read(current, { client, diagnostics }) {
    const found = await findStack(client, current.id)
    if (!found) return undefined
    if (found.attachment?.managedBy === 'attachment') return stateOf(found.attachment)
    warnIfDetached(found, diagnostics)
    if (found.attachment) {
      diagnostics.warning(
        'The stack declares its repository itself',
        `The stack "${current.id}" follows a repository that its own configuration names; this attachment is no longer in force. Remove one of the two.`,
      )
    }
    return undefined
  },

  async update(planned, prior, { client }) {
    const request = { params: { id: prior.id }, query: verification(client), body: bodyOf(planned) }
    try {
      return stateOf(await getServer(client).call('replaceAttachment', request))
    } catch (error) {
      // It was detached since the plan was made: what is planned is an attachment.
      if (!(error instanceof ServerProblem) || error.code !== 'attachment_not_found') throw error
      return stateOf(await getServer(client).call('attachStack', request))
    }
  },

  async delete(prior, { client }) {
    try {
      await getServer(client).call('detachStack', { params: { id: prior.id } })
    } catch (error) {
      if (!(error instanceof ServerProblem) || error.status !== 404) throw error
    }
  },

  /** By the id of the stack. */
  async importState(id) {
    return { id: importedSlug(id), stack_id: id }
  },
}

function bodyOf(planned: PlanOf<typeof schema>) {
  return {
    integrationId: planned.integration_id,
    projectKey: planned.project_key,
    repositorySlug: planned.repository_slug,
  }
}

function stateOf(attachment: Attachment): StateOf<typeof schema> {
  return {
    id: attachment.stackId,
    stack_id: attachment.stackId,
    integration_id: attachment.usesDefault ? null : attachment.integrationId,
    project_key: attachment.projectKey,
    repository_slug: attachment.repositorySlug,
  }
}
