import { ServerProblem } from '../../clients/server/problem.ts'
import type { Diagnostics, Path } from '../framework/diagnostics.ts'
import type { ProviderClient } from './provider-client.ts'

/**
 * Asks the server, in a dry run, which stacks a change would detach (R139). None where remote checks are switched off,
 * or where there is no answer: a plan that could be right does not fail over a question.
 */
export async function stacksThatWouldDetach(
  client: ProviderClient | undefined,
  ask: () => Promise<{ readonly detached: readonly string[] }>,
): Promise<readonly string[]> {
  if (!client?.server || client.skipRemoteChecks) return []
  try {
    return (await ask()).detached
  } catch (error) {
    // A protected integration refuses, and names the stacks that it is protected for.
    return error instanceof ServerProblem ? error.stacks : []
  }
}

/** A change that takes an integration away from stacks: refused, unless the configuration allows it. */
export function diagnoseLoss(
  diagnostics: Diagnostics,
  stacks: readonly string[],
  { isAllowed, cause, path }: { readonly isAllowed: boolean; readonly cause: string; readonly path: Path },
): void {
  if (stacks.length === 0) return
  if (isAllowed) {
    diagnostics.warning('Stacks will be detached', `${cause} ${sentence(stacks)}`, path)
    return
  }
  diagnostics.error(
    'Stacks would be detached',
    `${cause} ${sentence(stacks)} Attach them to another integration first, or set allow_detach = true.`,
    path,
  )
}

/** A deletion is planned although stacks are attached: the same plan may delete them too, so this only warns. */
export function warnAboutAttached(diagnostics: Diagnostics, id: string, stacks: readonly string[], path: Path): void {
  if (stacks.length === 0) return
  diagnostics.warning(
    'Stacks are attached to the integration',
    `The integration "${id}" is to be deleted. Attached to it now: ${stacks.join(', ')}. Those that are still attached when it is deleted are detached, and refuse events and runs; a protected integration is then not deleted.`,
    path,
  )
}

function sentence(stacks: readonly string[]): string {
  return `These stacks lose their integration: ${stacks.join(', ')}.`
}
