import { readDataSource as read } from '../../framework/read-data-source.ts'
import { blockType } from '../../framework/schema.ts'
import { diagnosticMessages } from '../diagnostics-message.ts'
import { decodeBlockValue, encodeDynamicValue } from '../dynamic-value.ts'
import { ReadDataSource_Request, ReadDataSource_Response } from '../generated/tfplugin6.ts'
import { findType, type Rpc } from './rpc.ts'

export const readDataSource: Rpc<ReadDataSource_Request, ReadDataSource_Response> = {
  name: 'ReadDataSource',
  request: ReadDataSource_Request,
  response: ReadDataSource_Response,
  async handle({ typeName, config }, session) {
    const source = findType(session.provider.dataSources, typeName)
    const type = blockType(source.schema)
    const result = await read(session, source, decodeBlockValue(config, type) ?? {})
    return {
      state: encodeDynamicValue(result.state, type),
      diagnostics: diagnosticMessages(result.diagnostics),
    }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}
