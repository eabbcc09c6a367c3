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

/** Whether a stack or module in `spaceId` may use the integration (R22): the default one may be used everywhere. */
export function canUseIntegration(
  integration: { readonly isDefault: boolean; readonly spaceId: string },
  spaceId: string,
  spaces: ReadonlyMap<string, SpaceNode>,
): boolean {
  return integration.isDefault || usableSpaces(spaceId, spaces).includes(integration.spaceId)
}
