import type { ProblemCode } from '../problem.ts'

/** What can be wrong with an integration, a repository or a branch that is to be attached. */
export const attachProblems = [
  'integration_not_found',
  'integration_not_usable',
  'repository_not_allowed',
  'no_bitbucket_access',
  'repository_not_in_bitbucket',
  'branch_not_in_bitbucket',
  'bitbucket_refused',
  'bitbucket_unreachable',
  'vcs_agent_unavailable',
] as const satisfies readonly ProblemCode[]
