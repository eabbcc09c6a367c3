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
