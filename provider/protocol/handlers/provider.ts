import { configureProvider as configure } from '../../framework/configure-provider.ts'
import { blockType } from '../../framework/schema.ts'
import { diagnosticMessages } from '../diagnostics-message.ts'
import { decodeBlockValue } from '../dynamic-value.ts'
import {
  ConfigureProvider_Request,
  ConfigureProvider_Response,
  StopProvider_Request,
  StopProvider_Response,
} from '../generated/tfplugin6.ts'
import type { Rpc } from './rpc.ts'

export const configureProvider: Rpc<ConfigureProvider_Request, ConfigureProvider_Response> = {
  name: 'ConfigureProvider',
  request: ConfigureProvider_Request,
  response: ConfigureProvider_Response,
  async handle({ config, terraformVersion }, session) {
    const value = decodeBlockValue(config, blockType(session.provider.schema)) ?? {}
    return { diagnostics: diagnosticMessages(await configure(session, value, terraformVersion)) }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}

/** The user pressed Ctrl-C: whoever listens to the signal may stop, and what was done is still saved (trap 4). */
export const stopProvider: Rpc<StopProvider_Request, StopProvider_Response> = {
  name: 'StopProvider',
  request: StopProvider_Request,
  response: StopProvider_Response,
  async handle(_request, { stop }) {
    stop.abort(new Error('Terraform was asked to stop'))
    return { Error: '' }
  },
  fail: (_request, diagnostics) => ({ Error: diagnostics[0]?.detail ?? '' }),
}
