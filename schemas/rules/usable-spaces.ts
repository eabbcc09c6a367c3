export interface SpaceNode {
  readonly id: string
  readonly parentId: string | null
  readonly inheritEntities: boolean
}

/** Lists the spaces whose entities `spaceId` may use: itself, then each ancestor that it inherits from (R22). */
export function usableSpaces(spaceId: string, spaces: ReadonlyMap<string, SpaceNode>): string[] {
  const usable: string[] = []
  let space = spaces.get(spaceId)
  // A corrupt parent cycle ends the walk too.
  while (space && !usable.includes(space.id)) {
    usable.push(space.id)
    if (!space.inheritEntities || space.parentId === null) break
    space = spaces.get(space.parentId)
  }
  return usable
}

/** Why a space may use an integration, or may not. */
export interface UseExplanation {
  readonly isUsable: boolean
  /**
   * `blocked`: the integration lives above, and the last space of `path` does not inherit; `elsewhere`: it lives
   * neither here nor above.
   */
  readonly reason: 'default' | 'same_space' | 'inherited' | 'blocked' | 'elsewhere'
  /** The spaces walked from the asking one upwards: to the integration's, or as far as the links inherit. */
  readonly path: readonly string[]
}

/** Says why what lives in `spaceId` may use the integration, or may not (R22); it agrees with `canUseIntegration`. */
export function explainUse(
  integration: { readonly isDefault: boolean; readonly spaceId: string },
  spaceId: string,
  spaces: ReadonlyMap<string, SpaceNode>,
): UseExplanation {
  if (integration.isDefault) return { isUsable: true, reason: 'default', path: [spaceId] }
  const usable = usableSpaces(spaceId, spaces)
  const at = usable.indexOf(integration.spaceId)
  if (at === 0) return { isUsable: true, reason: 'same_space', path: [spaceId] }
  if (at > 0) return { isUsable: true, reason: 'inherited', path: usable.slice(0, at + 1) }
  return {
    isUsable: false,
    reason: isAbove(integration.spaceId, spaceId, spaces) ? 'blocked' : 'elsewhere',
    path: usable,
  }
}

function isAbove(ancestorId: string, spaceId: string, spaces: ReadonlyMap<string, SpaceNode>): boolean {
  const inheriting = new Map([...spaces].map(([id, space]) => [id, { ...space, inheritEntities: true }]))
  return usableSpaces(spaceId, inheriting).includes(ancestorId)
}

/** Whether a stack or module in `spaceId` may use the integration (R22): the default one may be used everywhere. */
export function canUseIntegration(
  integration: { readonly isDefault: boolean; readonly spaceId: string },
  spaceId: string,
  spaces: ReadonlyMap<string, SpaceNode>,
): boolean {
  return integration.isDefault || usableSpaces(spaceId, spaces).includes(integration.spaceId)
}
