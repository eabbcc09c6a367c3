import { Problem } from '../../schemas/problem.ts'
import type { Caller } from '../core/authorise.ts'
import { actorOf } from './actor.ts'
import type { Installation } from './installation.ts'

/** How often a caller may look at Bitbucket through tokens that are not his own, in a minute (S26). */
export const lookUpsPerMinute = 60

/** Counts a search, a browse or a connection test of the caller; throws when it is one too many (S26). */
export function countLookUp({ lookUps, clock }: Pick<Installation, 'lookUps' | 'clock'>, caller: Caller): void {
  if (!lookUps.countFailure(caller.userId ?? actorOf(caller), clock.now())) return
  const detail = `You may look at Bitbucket ${lookUpsPerMinute} times a minute through shared tokens; wait a minute.`
  throw new Problem('too_many_requests', detail, { retryAfterSeconds: 60 })
}
