import type { Repository } from './repositories.ts'

/** Which repositories a policy covers; globs are matched against `PROJECT/slug`. */
export interface RepositorySelection {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly includePersonal: boolean
  readonly includeForks: boolean
}

export type SkipReason = 'archived' | 'excluded' | 'not-included' | 'personal' | 'fork'

/**
 * Says why a policy skips a repository, or `undefined` where it covers it. An exclusion wins over an inclusion (B16);
 * what is archived now is skipped until it is not (B17); personal repositories and forks only where switched on (B18).
 */
export function skipReason(
  repository: Repository,
  selection: RepositorySelection,
  matchesGlob: (glob: string, path: string) => boolean,
): SkipReason | undefined {
  const path = `${repository.project.key}/${repository.slug}`
  if (repository.archived === true) return 'archived'
  if (selection.exclude.some((glob) => matchesGlob(glob, path))) return 'excluded'
  if (!selection.include.some((glob) => matchesGlob(glob, path))) return 'not-included'
  if (!selection.includePersonal && isPersonal(repository)) return 'personal'
  if (!selection.includeForks && repository.origin !== undefined) return 'fork'
  return undefined
}

function isPersonal({ project }: Repository): boolean {
  return project.type === 'PERSONAL' || project.key.startsWith('~')
}
