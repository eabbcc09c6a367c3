import type { Permission } from '../../../schemas/operation.ts'

/** Who may call an operation, in words; where the object lives decides in the end. */
export const permissionWords: Readonly<Partial<Record<Permission, string>>> = {
  anyone: 'Needs no token.',
  'sign-in': 'Needs no token, but an API key in the body.',
  self: 'For every caller with a token.',
  session: 'For a browser that has signed in.',
  account: 'For every caller with a token; who is not an admin sees what is his.',
  'api-keys:create': 'For admins; the bootstrap key may do it once, to make the first root admin.',
  read: 'For readers of the space, and for those of spaces below that inherit from it.',
  write: 'For writers and admins of the space.',
  administer: 'For admins of the space; where a default integration or the whole account is concerned, of root.',
  'see-integrations': 'For readers and webhook registrars of the space; a default integration is shown to everybody.',
  webhooks: 'For webhook registrars and admins of the integration’s space, of root for a default integration.',
  work: 'For workers of the space.',
}

/** The parts of the documentation; a path belongs to the first whose word it holds. */
export const tags: readonly { readonly name: string; readonly word: string; readonly description: string }[] = [
  { name: 'Server', word: '/meta', description: 'What this server is and can do.' },
  { name: 'Sign-in', word: '/token', description: 'From an API key to a token.' },
  { name: 'Sign-in', word: '/session', description: '' },
  { name: 'Sign-in', word: '/me', description: '' },
  { name: 'API keys', word: '/api-keys', description: 'Who may call the API, and what for.' },
  { name: 'Users', word: '/users', description: 'People, their roles, and who they are in Bitbucket.' },
  { name: 'Integrations', word: '/usable-integrations', description: '' },
  { name: 'Spaces', word: '/spaces', description: 'The tree in which everything lives; roles flow down in it.' },
  { name: 'Deliveries', word: '/deliveries', description: 'The webhooks that came in, and what became of them.' },
  {
    name: 'Browsing Bitbucket',
    word: '{id}/projects',
    description: 'What there is to attach to, asked through an integration.',
  },
  { name: 'Browsing Bitbucket', word: '{id}/repositories', description: '' },
  { name: 'Browsing Bitbucket', word: '{id}/branches', description: '' },
  { name: 'Browsing Bitbucket', word: '{id}/tree', description: '' },
  { name: 'Integrations', word: '/connection-tests', description: '' },
  { name: 'Integrations', word: '/integrations', description: 'Connections to Bitbucket Data Center.' },
  {
    name: 'VCS agent pools',
    word: '/vcs-agent-pools',
    description: 'The way to a Bitbucket that only its own network reaches.',
  },
  {
    name: 'Attachments',
    word: '/attachment',
    description: 'Which repository a stack follows, and through which integration.',
  },
  { name: 'Stacks', word: '/stacks', description: 'What is planned and applied.' },
  { name: 'Modules', word: '/modules', description: 'Terraform modules that live in repositories.' },
  { name: 'Runs', word: '/runs', description: 'Plans and applies that pushes and pull requests started.' },
  { name: 'Webhooks', word: '/webhook', description: 'Which webhooks should exist in Bitbucket, and which do.' },
  { name: 'Webhooks', word: '/registrations', description: '' },
  { name: 'Audit log', word: '/audit', description: 'Who did what, and when.' },
]

/** The order in which the parts are read. */
export const tagOrder: readonly string[] = [
  'Server',
  'Sign-in',
  'Spaces',
  'Integrations',
  'Stacks',
  'Modules',
  'Attachments',
  'Browsing Bitbucket',
  'Runs',
  'Deliveries',
  'Webhooks',
  'VCS agent pools',
  'Users',
  'API keys',
  'Audit log',
]

/** The part that an operation belongs to; a path that is new here makes a part of its own. */
export function tagOf(path: string): string {
  const known = tags.find(({ word }) => path.includes(word))
  if (known) return known.name
  const [, word = 'other'] = /^\/api\/v1\/([a-z-]+)/.exec(path) ?? []
  const text = word.replaceAll('-', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}
