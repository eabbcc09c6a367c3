import { validateConfig } from '../../framework/configure-provider.ts'
import { blockType, type Schema } from '../../framework/schema.ts'
import { diagnosticMessages } from '../diagnostics-message.ts'
import { decodeBlockValue } from '../dynamic-value.ts'
import {
  type DynamicValue,
  ValidateDataResourceConfig_Request,
  ValidateDataResourceConfig_Response,
  ValidateEphemeralResourceConfig_Request,
  ValidateEphemeralResourceConfig_Response,
  ValidateProviderConfig_Request,
  ValidateProviderConfig_Response,
  ValidateResourceConfig_Request,
  ValidateResourceConfig_Response,
} from '../generated/tfplugin6.ts'
import { findType, type Rpc } from './rpc.ts'

function decodeConfig(message: DynamicValue | undefined, { schema }: { readonly schema: Schema }) {
  return decodeBlockValue(message, blockType(schema)) ?? {}
}

export const validateProviderConfig: Rpc<ValidateProviderConfig_Request, ValidateProviderConfig_Response> = {
  name: 'ValidateProviderConfig',
  request: ValidateProviderConfig_Request,
  response: ValidateProviderConfig_Response,
  async handle({ config }, session) {
    const { provider } = session
    const found = await validateConfig(session, provider, decodeConfig(config, provider), { writeOnlyAllowed: false })
    return { diagnostics: diagnosticMessages(found) }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}

export const validateResourceConfig: Rpc<ValidateResourceConfig_Request, ValidateResourceConfig_Response> = {
  name: 'ValidateResourceConfig',
  request: ValidateResourceConfig_Request,
  response: ValidateResourceConfig_Response,
  async handle({ typeName, config, clientCapabilities }, session) {
    const resource = findType(session.provider.resources, typeName)
    const client = { writeOnlyAllowed: clientCapabilities?.writeOnlyAttributesAllowed === true }
    const found = await validateConfig(session, resource, decodeConfig(config, resource), client)
    return { diagnostics: diagnosticMessages(found) }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}

export const validateDataSourceConfig: Rpc<ValidateDataResourceConfig_Request, ValidateDataResourceConfig_Response> = {
  name: 'ValidateDataResourceConfig',
  request: ValidateDataResourceConfig_Request,
  response: ValidateDataResourceConfig_Response,
  async handle({ typeName, config }, session) {
    const source = findType(session.provider.dataSources, typeName)
    const found = await validateConfig(session, source, decodeConfig(config, source), { writeOnlyAllowed: false })
    return { diagnostics: diagnosticMessages(found) }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}

export const validateEphemeralConfig: Rpc<
  ValidateEphemeralResourceConfig_Request,
  ValidateEphemeralResourceConfig_Response
> = {
  name: 'ValidateEphemeralResourceConfig',
  request: ValidateEphemeralResourceConfig_Request,
  response: ValidateEphemeralResourceConfig_Response,
  async handle({ typeName, config }, session) {
    const resource = findType(session.provider.ephemeralResources, typeName)
    const found = await validateConfig(session, resource, decodeConfig(config, resource), { writeOnlyAllowed: true })
    return { diagnostics: diagnosticMessages(found) }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}
