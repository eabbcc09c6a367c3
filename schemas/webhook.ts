import * as z from 'zod'

/**
 * The webhook events that Mooring needs, once: key in Bitbucket's API, and the words of Bitbucket's
 * webhook form. Everything that lists events is made from this.
 */
export const webhookEvents = [
  { key: 'repo:refs_changed', label: 'Repository > Push' },
  { key: 'pr:opened', label: 'Pull Request > Opened' },
  { key: 'pr:from_ref_updated', label: 'Pull Request > Source branch updated' },
  { key: 'pr:modified', label: 'Pull Request > Modified' },
  { key: 'pr:reviewer:approved', label: 'Pull Request > Approved' },
  { key: 'pr:reviewer:unapproved', label: 'Pull Request > Unapproved' },
  { key: 'pr:merged', label: 'Pull Request > Merged' },
  { key: 'pr:comment:added', label: 'Pull Request > Comment added' },
] as const

export const EventKey = z.enum(webhookEvents.map((event) => event.key)).meta({ id: 'EventKey' })
export type EventKey = z.infer<typeof EventKey>

/** The event key of the delivery that Bitbucket's "Test connection" button sends; never signed. */
export const pingEventKey = 'diagnostics:ping'

/**
 * Every event key that Bitbucket accepts in a webhook: each was created and read back on a real 10.4. Its documentation
 * names two more, `pr:to_ref_updated` and `pr:reviewer:changes_requested`, which it refuses.
 */
export const bitbucketEventKeys: readonly string[] = [
  'repo:refs_changed',
  'repo:modified',
  'repo:forked',
  'repo:comment:added',
  'repo:comment:edited',
  'repo:comment:deleted',
  'repo:secret_detected',
  'mirror:repo_synchronized',
  'project:modified',
  'pr:opened',
  'pr:from_ref_updated',
  'pr:modified',
  'pr:merged',
  'pr:declined',
  'pr:deleted',
  'pr:reviewer:updated',
  'pr:reviewer:approved',
  'pr:reviewer:unapproved',
  'pr:reviewer:needs_work',
  'pr:comment:added',
  'pr:comment:edited',
  'pr:comment:deleted',
]
