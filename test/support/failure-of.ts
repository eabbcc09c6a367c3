import { ServerProblem } from '../../clients/server/problem.ts'

/** The problem that the server answers the call with; fails where the call succeeds, or breaks in another way. */
export async function failureOf(call: Promise<unknown>): Promise<ServerProblem> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ServerProblem) return error
  throw error ?? new Error('The call succeeded.')
}
