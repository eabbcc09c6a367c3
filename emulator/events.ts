import type { Emulator } from './call.ts'
import { deliveryFor } from './deliveries.ts'
import { projectOf } from './find.ts'
import { type Commit, listCommits, readCommit } from './git/commits.ts'
import { noCommit, type RefChange, shortName } from './git/refs.ts'
import type { Principal } from './permissions.ts'
import { iso, representActor, representCommit, representProject, representRepository } from './representation.ts'
import { isAtLeast } from './settings.ts'
import type { Project, Repository } from './state.ts'

/** As many commits as one `repo:refs_changed` tells. */
const toldCommits = 25

/** Tells every active webhook of the repository and of its project that is subscribed to the event. */
export function sendRepositoryEvent(
  emulator: Emulator,
  repository: Repository,
  event: string,
  principal: Principal,
  content: Readonly<Record<string, unknown>>,
): void {
  const scopes = { repository: repository.id, project: repository.projectId }
  send(emulator, scopes, event, principal, content)
}

function send(
  emulator: Emulator,
  scopes: { readonly repository: number | null; readonly project: number },
  event: string,
  principal: Principal,
  content: Readonly<Record<string, unknown>>,
): void {
  const { settings, store } = emulator
  const actor = representActor(settings, principal)
  const date = `${iso(settings.now())}+0000`
  const body = JSON.stringify({ eventKey: event, date, ...(actor ? { actor } : {}), ...content })
  for (const webhook of store.state.webhooks) {
    if (!webhook.isActive || !webhook.events.includes(event)) continue
    if (webhook.scope.id !== scopes[webhook.scope.kind]) continue
    emulator.deliveries.send(deliveryFor(webhook, event, body))
  }
}

/** `repo:refs_changed`, one delivery for everything that one push did. */
export async function sendRefsChanged(
  emulator: Emulator,
  repository: Repository,
  principal: Principal,
  changes: readonly RefChange[],
): Promise<void> {
  if (changes.length === 0) return
  const { settings, store } = emulator
  const project = projectOf(store.state, repository)
  sendRepositoryEvent(emulator, repository, 'repo:refs_changed', principal, {
    repository: representRepository(settings, store.state, project, repository),
    changes: changes.map((change) => ({
      ref: {
        id: change.refId,
        displayId: shortName(change.refId),
        type: change.refId.startsWith('refs/tags/') ? 'TAG' : 'BRANCH',
      },
      refId: change.refId,
      fromHash: change.fromHash,
      toHash: change.toHash,
      type: change.type,
    })),
    ...(await commitsOf(emulator, repository, changes)),
  })
}

/** The new commits, which newer servers tell when a push changed one ref and did not delete it. */
async function commitsOf(emulator: Emulator, repository: Repository, changes: readonly RefChange[]) {
  const { settings, store, git } = emulator
  const [change] = changes
  if (!change || changes.length > 1 || change.type === 'DELETE' || !isAtLeast(settings.version, '8.0')) return {}
  const since = change.fromHash === noCommit ? undefined : change.fromHash
  const commits = await listCommits(git, repository, { until: change.toHash, since, limit: toldCommits })
  const represent = (commit: Commit) => representCommit(settings, store.state, commit)
  const head = await readCommit(git, repository, change.toHash)
  if (!head) return { commits: commits.map(represent) }
  const parents = await Promise.all(head.parents.map((id) => readCommit(git, repository, id)))
  const toCommit = { ...represent(head), parents: parents.filter((parent) => parent !== undefined).map(represent) }
  return { commits: commits.map(represent), toCommit }
}

/** `repo:modified` of a rename or a move: old and new, and no `repository`. */
export function sendRepositoryModified(
  emulator: Emulator,
  repository: Repository,
  principal: Principal,
  old: unknown,
): void {
  const { settings, store } = emulator
  const project = projectOf(store.state, repository)
  const now = representRepository(settings, store.state, project, repository)
  sendRepositoryEvent(emulator, repository, 'repo:modified', principal, { old, new: now })
}

export function sendProjectModified(emulator: Emulator, project: Project, principal: Principal, old: unknown): void {
  const now = representProject(emulator.settings, emulator.store.state, project)
  send(emulator, { repository: null, project: project.id }, 'project:modified', principal, { old, new: now })
}
