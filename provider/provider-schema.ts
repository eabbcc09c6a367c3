import * as z from 'zod'
import { UserFacingHost } from '../schemas/hosts.ts'
import * as s from './framework/attributes.ts'
import { conforms } from './framework/conforms.ts'

const count = conforms(z.number().min(0).max(20))
const seconds = conforms(z.number().min(1).max(3600))
const address = conforms(
  z
    .string()
    .refine(
      (text) => UserFacingHost.safeParse(text.replace(/\/+$/, '')).success,
      'expected http(s)://host[:port][/path]',
    ),
)

/** The provider block; what it leaves out comes from the environment. */
export const providerSchema = s.schema({
  description: 'Declares Mooring’s spaces, integrations and stacks, and the webhooks in Bitbucket Data Center.',
  attributes: {
    endpoint: s.string({
      optional: true,
      validate: [address],
      description: 'URL of the Mooring server. Or MOORING_ENDPOINT.',
    }),
    api_key_id: s.string({ optional: true, description: 'Id of an API key. Or MOORING_API_KEY_ID.' }),
    api_key_secret: s.string({
      optional: true,
      sensitive: true,
      description: 'Secret of the API key. Or MOORING_API_KEY_SECRET, which keeps it out of the configuration.',
    }),
    max_retries: s.int({
      optional: true,
      validate: [count],
      description:
        'How often a request is repeated after 429, 502 to 504, or no answer; 4 unless given. Or MOORING_MAX_RETRIES.',
    }),
    request_timeout_seconds: s.int({
      optional: true,
      validate: [seconds],
      description: 'For one request; 60 unless given. Or MOORING_REQUEST_TIMEOUT_SECONDS.',
    }),
    ca_cert_pem: s.string({
      optional: true,
      description: 'Certificates that are trusted beside the public ones. Or MOORING_CA_CERT_PEM.',
    }),
    skip_remote_checks: s.bool({
      optional: true,
      description:
        'Saves attachments without asking Bitbucket whether the repository exists. Or MOORING_SKIP_REMOTE_CHECKS.',
    }),
    bitbucket: s.object(
      {
        base_url: s.string({
          optional: true,
          validate: [address],
          description: 'URL of Bitbucket, with its context path. Or BITBUCKET_URL.',
        }),
        token: s.string({
          optional: true,
          sensitive: true,
          description: 'HTTP access token with admin permission on the repositories. Or BITBUCKET_TOKEN.',
        }),
        ca_cert_pem: s.string({
          optional: true,
          description: 'Certificates that are trusted beside the public ones. Or BITBUCKET_CA_CERT_PEM.',
        }),
        request_timeout_seconds: s.int({
          optional: true,
          validate: [seconds],
          description: 'For one request; 60 unless given. Or BITBUCKET_REQUEST_TIMEOUT_SECONDS.',
        }),
      },
      { optional: true, description: 'Direct access to Bitbucket, for webhooks.' },
    ),
  },
})
