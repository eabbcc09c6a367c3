import type { RepositoryAccess } from '../../schemas/integration.ts'
import { matchesProject, matchesRepository } from '../../schemas/rules/globs.ts'
import { canUseIntegration, usableSpaces } from '../../schemas/rules/usable-spaces.ts'
import type { SpaceTree } from './authorise.ts'

/** What decides how far an integration lends its sight. */
export interface IntegrationReach {
  readonly isDefault: boolean
  readonly spaceId: string
  /** Null: every repository that its token reads. */
  readonly repositoryAccess: RepositoryAccess | null
}

export interface RepositoryName {
  readonly projectKey: string
  readonly repositorySlug: string
}

/**
 * Whether stacks, modules and people of the space may use the repository through the integration (S23, S24, R27b):
 * the space may use the integration (R22), and a rule for the space, or for one that it inherits from, covers the
 * repository. Everything that reads through an integration's token asks this, each time.
 */
export function mayUseRepository(
  integration: IntegrationReach,
  spaceId: string,
  repository: RepositoryName,
  tree: SpaceTree,
): boolean {
  if (!canUseIntegration(integration, spaceId, tree)) return false
  if (integration.repositoryAccess === null) return true
  const spaces = usableSpaces(spaceId, tree)
  return integration.repositoryAccess.some(
    (rule) => spaces.includes(rule.spaceId) && rule.repositories.some((glob) => matchesRepository(glob, repository)),
  )
}

/** Whether the space may use any repository of the project through the integration: what a search may name (S24, R29). */
export function mayUseProject(
  integration: IntegrationReach,
  spaceId: string,
  projectKey: string,
  tree: SpaceTree,
): boolean {
  if (!canUseIntegration(integration, spaceId, tree)) return false
  if (integration.repositoryAccess === null) return true
  const spaces = usableSpaces(spaceId, tree)
  return integration.repositoryAccess.some(
    (rule) => spaces.includes(rule.spaceId) && rule.repositories.some((glob) => matchesProject(glob, projectKey)),
  )
}

/** Whether the integration lends the repository to any space at all: asked where no space is at hand. */
export function lendsRepository(
  { repositoryAccess }: Pick<IntegrationReach, 'repositoryAccess'>,
  repository: RepositoryName,
): boolean {
  const globs = repositoryAccess?.flatMap(({ repositories }) => repositories) ?? ['**']
  return globs.some((glob) => matchesRepository(glob, repository))
}
