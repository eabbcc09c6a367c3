/**
 * Whether a change to `files` concerns a stack at `projectRoot` (R60): by whole path segments, so that
 * `infra` is not touched by `infra2/main.tf`. The root "" is concerned by everything.
 */
export function affectsProjectRoot(projectRoot: string, files: Iterable<string>): boolean {
  const root = pathSegments(projectRoot).join('/')
  if (root === '') return true
  for (const file of files) {
    if (file === root || file.startsWith(`${root}/`)) return true
  }
  return false
}

/**
 * Every folder that holds one of the files, the repository's root "" included: a stack is affected
 * exactly when its normalised root is one of them, so a look-up need not read all stacks.
 */
export function affectedRoots(files: Iterable<string>): Set<string> {
  const roots = new Set<string>([''])
  for (const file of files) {
    const segments = pathSegments(file)
    for (let length = segments.length; length > 0; length--) roots.add(segments.slice(0, length).join('/'))
  }
  return roots
}

/** The form in which project roots are compared: no empty or "." segments, no slash at the ends. */
export function normalProjectRoot(projectRoot: string): string {
  return pathSegments(projectRoot).join('/')
}

function pathSegments(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.')
}
