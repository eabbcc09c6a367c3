import { openEphemeral, tendEphemeral } from '../../framework/ephemeral.ts'
import { blockType } from '../../framework/schema.ts'
import { diagnosticMessages } from '../diagnostics-message.ts'
import { decodeBlockValue, decodePrivate, encodeDynamicValue, encodePrivate } from '../dynamic-value.ts'
import {
  CloseEphemeralResource_Request,
  CloseEphemeralResource_Response,
  OpenEphemeralResource_Request,
  OpenEphemeralResource_Response,
  RenewEphemeralResource_Request,
  RenewEphemeralResource_Response,
} from '../generated/tfplugin6.ts'
import { findType, type Rpc } from './rpc.ts'

export const openEphemeralResource: Rpc<OpenEphemeralResource_Request, OpenEphemeralResource_Response> = {
  name: 'OpenEphemeralResource',
  request: OpenEphemeralResource_Request,
  response: OpenEphemeralResource_Response,
  async handle({ typeName, config }, session) {
    const resource = findType(session.provider.ephemeralResources, typeName)
    const type = blockType(resource.schema)
    const opened = await openEphemeral(session, resource, decodeBlockValue(config, type) ?? {})
    return {
      diagnostics: diagnosticMessages(opened.diagnostics),
      renewAt: opened.renewAt,
      result: encodeDynamicValue(opened.result, type),
      private: encodePrivate(opened.private),
    }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}

export const renewEphemeralResource: Rpc<RenewEphemeralResource_Request, RenewEphemeralResource_Response> = {
  name: 'RenewEphemeralResource',
  request: RenewEphemeralResource_Request,
  response: RenewEphemeralResource_Response,
  async handle({ typeName, private: data }, session) {
    const resource = findType(session.provider.ephemeralResources, typeName)
    const renewed = await tendEphemeral(session, resource, 'renew', decodePrivate(data))
    return {
      diagnostics: diagnosticMessages(renewed.diagnostics),
      renewAt: renewed.renewAt,
      private: encodePrivate(renewed.private),
    }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}

export const closeEphemeralResource: Rpc<CloseEphemeralResource_Request, CloseEphemeralResource_Response> = {
  name: 'CloseEphemeralResource',
  request: CloseEphemeralResource_Request,
  response: CloseEphemeralResource_Response,
  async handle({ typeName, private: data }, session) {
    const resource = findType(session.provider.ephemeralResources, typeName)
    const closed = await tendEphemeral(session, resource, 'close', decodePrivate(data))
    return { diagnostics: diagnosticMessages(closed.diagnostics) }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}
