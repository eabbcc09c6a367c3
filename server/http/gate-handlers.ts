import { type OperationId, operations } from '../../schemas/api.ts'
import type { Operation } from '../../schemas/operation.ts'
import type { Problem } from '../../schemas/problem.ts'
import type { Handlers } from './handlers.ts'

/** Says why an operation is refused for the time being; undefined where it is not. */
export type OperationGate = (operation: Operation) => Problem | undefined

/** Puts a gate before every handler, behind the check of permissions: a stranger learns nothing of the server's state. */
export function gateHandlers(handlers: Handlers, gate: OperationGate): Handlers {
  const gated = Object.entries(handlers).map(([id, handler]) => {
    const operation: Operation = operations[id as OperationId]
    return [
      id,
      (...call: unknown[]) => {
        const problem = gate(operation)
        return problem ? Promise.reject(problem) : (handler as (...call: unknown[]) => unknown)(...call)
      },
    ]
  })
  return Object.fromEntries(gated) as Handlers
}

/**
 * What a copy leaves to the installation that it was taken from (S76): whatever makes a run or hands one to a worker,
 * and whatever tells a hook service which webhooks to write. Everything can be read, and the rest can be changed, so
 * that a copy for tests is pointed at another Bitbucket before it takes over.
 */
export function isLeftToTheOriginal({ method, path }: Operation): boolean {
  if (path.includes('/webhook-targets')) return true
  return method !== 'GET' && /\/(runs|registrations|webhook-secret)\b/.test(path)
}

/** What still works on a disk that is nearly full (F6): reading, signing in and out, and deleting. */
export function isPossibleOnLowDisk({ method, path }: Operation): boolean {
  return method === 'GET' || method === 'DELETE' || /\/(token|sessions?)$/.test(path)
}
