import { callFunction as call } from '../../framework/call-function.ts'
import { decodeDynamicValue, encodeDynamicValue } from '../dynamic-value.ts'
import { CallFunction_Request, CallFunction_Response } from '../generated/tfplugin6.ts'
import type { Rpc } from './rpc.ts'

export const callFunction: Rpc<CallFunction_Request, CallFunction_Response> = {
  name: 'CallFunction',
  request: CallFunction_Request,
  response: CallFunction_Response,
  async handle({ name, arguments: args }, { provider }) {
    const definition = provider.functions.find((candidate) => candidate.name === name)
    if (!definition) throw new Error(`the provider has no function "${name}"`)
    const values = args.map((argument, index) => {
      const parameter = definition.parameters[index] ?? definition.variadic
      return decodeDynamicValue(argument, parameter?.type ?? 'dynamic')
    })
    const called = call(definition, values)
    if ('result' in called) return { result: encodeDynamicValue(called.result, definition.returns) }
    const { text, argument } = called.error
    return { error: { text, functionArgument: argument === undefined ? undefined : BigInt(argument) } }
  },
  fail: (_request, diagnostics) => ({ error: { text: diagnostics[0]?.detail ?? 'The provider made a mistake.' } }),
}
