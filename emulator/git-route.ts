import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Emulator } from './call.ts'
import { BitbucketError } from './errors.ts'
import { sendRefsChanged } from './events.ts'
import { getProject, getRepository } from './find.ts'
import { streamGit } from './git/http-backend.ts'
import { compareRefs, listRefs } from './git/refs.ts'
import { type Principal, repositoryLevel } from './permissions.ts'
import type { Project, Repository } from './state.ts'

const services: Readonly<Record<string, 'git-upload-pack' | 'git-receive-pack'>> = {
  '/git-upload-pack': 'git-upload-pack',
  '/git-receive-pack': 'git-receive-pack',
}

/**
 * Answers git's smart HTTP protocol at `/scm/<key>/<slug>.git`. After a push the refs are compared with those before
 * it, one push at a time per repository, and the webhooks are told.
 */
export async function answerGit(
  emulator: Emulator,
  request: IncomingMessage,
  response: ServerResponse,
  url: { readonly path: string; readonly query: string },
  principal: Principal,
): Promise<void> {
  const [, , key = '', name = '', ...rest] = url.path.split('/')
  const below = `/${rest.join('/')}`
  const service = below === '/info/refs' ? new URLSearchParams(url.query).get('service') : (services[below] ?? 'none')
  if (service !== 'git-upload-pack' && service !== 'git-receive-pack') return refuse(response, 403, 'Smart HTTP only.')

  const found = find(emulator, key, name)
  if (!found && principal.kind === 'anonymous') return ask(response)
  if (!found) return refuse(response, 404, 'Repository not found.')
  const { project, repository } = found
  const isPush = service === 'git-receive-pack'
  if (repositoryLevel(principal, project, repository) < (isPush ? 2 : 1)) {
    return principal.kind === 'anonymous' ? ask(response) : refuse(response, 403, 'You may not do this here.')
  }
  if (isPush && repository.isArchived) return refuse(response, 403, 'The repository is archived.')

  await emulator.git.directoryOf(repository)
  const backend = {
    root: emulator.git.root,
    path: `/${repository.id}.git${below}`,
    query: url.query,
    user: principal.kind === 'user' ? principal.user.name : 'access-token',
  }
  if (below !== '/git-receive-pack') {
    await streamGit(request, response, backend)
    response.end()
    return
  }
  await emulator.git.serialise(repository.id, async () => {
    const before = await listRefs(emulator.git, repository)
    await streamGit(request, response, backend)
    const changes = compareRefs(before, await listRefs(emulator.git, repository))
    await sendRefsChanged(emulator, repository, principal, changes)
    // Only now, so that whoever pushed finds the deliveries under way, and a webhook made later gets none of them.
    response.end()
  })
}

function find(
  emulator: Emulator,
  key: string,
  name: string,
): { readonly project: Project; readonly repository: Repository } | undefined {
  try {
    const project = getProject(emulator, decodeURIComponent(key))
    const slug = decodeURIComponent(name).replace(/\.git$/, '')
    return { project, repository: getRepository(emulator.store.state, project, slug) }
  } catch (error) {
    if (error instanceof BitbucketError || error instanceof URIError) return undefined
    throw error
  }
}

/** Makes git send the credentials it has. */
export function ask(response: ServerResponse): void {
  response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="Bitbucket"', 'Content-Type': 'text/plain' })
  response.end('Authentication is required.\n')
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain' })
  response.end(`${message}\n`)
}
