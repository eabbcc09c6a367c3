import { Problem } from '../../schemas/problem.ts'
import type { Decision } from '../core/authorise.ts'

/**
 * Lets pass what is allowed. What is hidden is answered with `notFound`, exactly as if it did not exist (S21); what
 * the caller sees and may not do, with 403 (R26).
 */
export function requireDecision(decision: Decision, what: string, notFound: () => Problem): void {
  if (decision === 'allowed') return
  if (decision === 'hidden') throw notFound()
  throw new Problem('forbidden', `Your roles do not allow you to ${what}.`)
}
