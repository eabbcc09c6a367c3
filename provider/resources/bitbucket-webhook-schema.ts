import * as z from 'zod'
import { ProjectKey, RepositorySlug } from '../../schemas/stack.ts'
import { Slug } from '../../schemas/text.ts'
import { webhookEvents } from '../../schemas/webhook.ts'
import * as s from '../framework/attributes.ts'
import { conforms } from '../framework/conforms.ts'
import { isSameProjectKey } from './stack.ts'

export const bitbucketWebhookSchema = s.schema({
  description: 'The webhook of a repository, written to Bitbucket itself and compared with it at every plan.',
  attributes: {
    id: s.string({
      computed: true,
      changesWith: ['project_key', 'repository_slug'],
      description: '`<project key>/<repository slug>/<webhook id>`.',
    }),
    hook_id: s.int({ computed: true, description: 'Bitbucket’s number of the webhook.' }),
    project_key: s.string({
      required: true,
      validate: [conforms(ProjectKey)],
      equal: isSameProjectKey,
      description: 'Key of the Bitbucket project, or ~user for a personal repository.',
    }),
    repository_slug: s.string({
      required: true,
      validate: [conforms(RepositorySlug)],
      description: 'Slug of the repository. Another address of the same repository is a change in place.',
    }),
    repository_id: s.int({ computed: true, description: 'Bitbucket’s number of the repository.' }),
    integration_id: s.string({
      optional: true,
      validate: [conforms(Slug)],
      description: 'The integration whose endpoint and secret the webhook gets. Or give url.',
    }),
    name: s.string({
      optional: true,
      computed: true,
      changesWith: ['integration_id'],
      validate: [conforms(z.string().min(1).max(255))],
      description: '`Mooring <integration name>` unless given.',
    }),
    url: s.string({
      optional: true,
      validate: [conforms(z.url({ protocol: /^https?$/ }))],
      description: 'The address that Bitbucket calls, for a webhook without an integration.',
    }),
    webhook_url: s.string({
      computed: true,
      changesWith: ['url', 'integration_id'],
      description: 'The address in force.',
    }),
    events: s.set('string', {
      default: webhookEvents.map((event) => event.key),
      validate: [
        (events: readonly string[]) => (events.length > 0 ? [] : [{ message: 'At least one event is needed.' }]),
      ],
      description: 'Event keys; the eight that Mooring needs unless given.',
    }),
    events_policy: s.string({
      default: 'at-least',
      validate: [conforms(z.enum(['at-least', 'exact']))],
      description: '`at-least` keeps events that somebody added; `exact` removes them.',
    }),
    secret: s.string({
      optional: true,
      sensitive: true,
      description: 'The secret of a webhook without an integration. It is kept in the state: prefer secret_wo.',
    }),
    secret_wo: s.string({
      optional: true,
      sensitive: true,
      writeOnly: true,
      description:
        'The secret of a webhook without an integration; never in the state. Give it an ephemeral variable or resource.',
    }),
    secret_wo_version: s.string({ optional: true, description: 'Change it to write another secret_wo.' }),
    active: s.bool({ default: true, description: 'Whether Bitbucket delivers.' }),
    ssl_verification_required: s.bool({
      default: true,
      description: 'Whether Bitbucket checks the certificate of the address.',
    }),
    adopt_existing: s.bool({
      default: true,
      description: 'Takes over a webhook with the same address; false refuses to create one beside it.',
    }),
    secret_state: s.string({
      computed: true,
      description:
        '`ok`, `wrong` or `missing`: how the secret in Bitbucket compares with the right one, in memory. Other than ok is put right by the next apply. `unverifiable` where Bitbucket does not show it.',
    }),
  },
})
