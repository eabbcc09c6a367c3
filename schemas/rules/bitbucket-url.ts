/** A repository's place, read from an address that people copy out of Bitbucket. */
export interface BitbucketUrl {
  /** Host, and port where it is not the scheme's own: of the web address, or of SSH. */
  readonly host: string
  /** `/bitbucket`, or empty. SSH addresses never carry one. */
  readonly contextPath: string
  /** In upper case, or `~user` for a personal repository. */
  readonly projectKey: string
  readonly repositorySlug: string
  readonly personal: boolean
}

export type ParsedBitbucketUrl =
  | { readonly ok: true; readonly value: BitbucketUrl }
  | { readonly ok: false; readonly error: string }

const projectKey = /^(?:[A-Za-z][A-Za-z0-9_-]{0,127}|~[^/\\\s]{1,254})$/
const repositorySlug = /^[A-Za-z0-9._-]{1,128}$/

/**
 * Reads the addresses that Bitbucket Data Center shows for a repository: clone over HTTP (`/scm/KEY/slug.git`), clone
 * over SSH (port 7999 or another), and every page below `/projects/KEY/repos/slug` or `/users/name/repos/slug`.
 */
export function parseBitbucketUrl(text: string): ParsedBitbucketUrl {
  const trimmed = text.trim()
  const scp = /^(?:[\w.-]+@)(?<host>[\w.-]+):(?<path>(?!\d+\/|\/)[^\s:]+)$/.exec(trimmed)?.groups
  const address = scp ? `ssh://${scp.host}/${scp.path}` : trimmed
  if (!URL.canParse(address)) return failure('it is not a URL')
  const url = new URL(address)
  if (url.protocol === 'ssh:') return fromSsh(url)
  if (url.protocol === 'http:' || url.protocol === 'https:') return fromHttp(url)
  return failure('its scheme is neither http(s) nor ssh')
}

function fromSsh(url: URL): ParsedBitbucketUrl {
  const [project, repository, ...rest] = segmentsOf(url)
  if (rest.length > 0) return failure('an SSH address has the form ssh://git@host:7999/KEY/slug.git')
  return repositoryAt(url.host.toLowerCase(), [], project, repository?.replace(/\.git$/, ''))
}

function fromHttp(url: URL): ParsedBitbucketUrl {
  const segments = segmentsOf(url)
  const scm = segments.length - 3
  if (segments[scm] === 'scm' && segments.at(-1)?.endsWith('.git')) {
    return repositoryAt(url.host, segments.slice(0, scm), segments[scm + 1], segments[scm + 2]?.replace(/\.git$/, ''))
  }
  for (const [index, segment] of segments.entries()) {
    if (segments[index + 2] !== 'repos') continue
    const [, owner, , repository] = segments.slice(index)
    if (segment === 'projects') return repositoryAt(url.host, segments.slice(0, index), owner, repository)
    if (segment === 'users') return repositoryAt(url.host, segments.slice(0, index), `~${owner}`, repository)
  }
  return failure('it has none of the forms /scm/KEY/slug.git, /projects/KEY/repos/slug and /users/name/repos/slug')
}

function repositoryAt(
  host: string,
  context: readonly string[],
  project: string | undefined,
  repository: string | undefined,
): ParsedBitbucketUrl {
  if (project === undefined || !projectKey.test(project)) return failure('it has no valid project key')
  if (repository === undefined || !repositorySlug.test(repository) || /^\.+$/.test(repository)) {
    return failure('it has no valid repository slug')
  }
  const personal = project.startsWith('~')
  const value = {
    host,
    contextPath: context.length > 0 ? `/${context.join('/')}` : '',
    projectKey: personal ? project : project.toUpperCase(),
    repositorySlug: repository.toLowerCase(),
    personal,
  }
  return { ok: true, value }
}

/** The path's segments, unescaped; one whose escapes are broken stays as it is and matches nothing. */
function segmentsOf(url: URL): string[] {
  const segments = url.pathname.replace(/^\/|\/$/g, '').split('/')
  return segments.map((segment) => {
    try {
      return decodeURIComponent(segment)
    } catch {
      return segment
    }
  })
}

function failure(reason: string): ParsedBitbucketUrl {
  return { ok: false, error: `This is not the address of a Bitbucket Data Center repository: ${reason}.` }
}
