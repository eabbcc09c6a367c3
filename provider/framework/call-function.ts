import { conformValue } from './conform.ts'
import { newDiagnostics } from './diagnostics.ts'
import { type AnyFunction, FunctionError } from './provider.ts'
import type { Value } from './value.ts'

export type FunctionResult =
  | { readonly result: Value }
  | { readonly error: { readonly text: string; readonly argument: number | undefined } }

/** Calls a function. A bug in it is an error too, never a crash. */
export function callFunction(definition: AnyFunction, args: readonly Value[]): FunctionResult {
  const count = definition.parameters.length
  try {
    const diagnostics = newDiagnostics()
    const returned = definition.call(args.slice(0, count), args.slice(count))
    const result = conformValue(definition.returns, returned, 'plan', diagnostics, [])
    const [problem] = diagnostics.list
    return problem ? { error: { text: problem.detail, argument: undefined } } : { result }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { error: { text, argument: error instanceof FunctionError ? error.argument : undefined } }
  }
}
