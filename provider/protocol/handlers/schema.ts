import type { AnyProvider } from '../../framework/provider.ts'
import type { Schema } from '../../framework/schema.ts'
import {
  GetFunctions_Request,
  GetFunctions_Response,
  GetMetadata_Request,
  GetMetadata_Response,
  GetProviderSchema_Request,
  GetProviderSchema_Response,
  type Schema as SchemaMessage,
  type ServerCapabilities,
} from '../generated/tfplugin6.ts'
import { functionMessage, schemaMessage } from '../schema-message.ts'
import type { Rpc } from './rpc.ts'

const serverCapabilities: ServerCapabilities = {
  planDestroy: true,
  getProviderSchemaOptional: true,
  moveResourceState: true,
  generateResourceConfig: false,
}

export const getProviderSchema: Rpc<GetProviderSchema_Request, GetProviderSchema_Response> = {
  name: 'GetProviderSchema',
  request: GetProviderSchema_Request,
  response: GetProviderSchema_Response,
  async handle(_request, { provider }) {
    return {
      ...noSchemas,
      provider: schemaMessage(provider.schema, 'provider'),
      resourceSchemas: schemasByType(provider.resources),
      dataSourceSchemas: schemasByType(provider.dataSources),
      ephemeralResourceSchemas: schemasByType(provider.ephemeralResources),
      functions: functionsByName(provider),
      serverCapabilities,
    }
  },
  fail: (_request, diagnostics) => ({ ...noSchemas, diagnostics }),
}

const noSchemas: GetProviderSchema_Response = {
  resourceSchemas: {},
  dataSourceSchemas: {},
  diagnostics: [],
  functions: {},
  ephemeralResourceSchemas: {},
  listResourceSchemas: {},
  stateStoreSchemas: {},
  actionSchemas: {},
}

function schemasByType(types: readonly { readonly typeName: string; readonly schema: Schema }[]) {
  return Object.fromEntries(
    types.map(({ typeName, schema }): [string, SchemaMessage] => [typeName, schemaMessage(schema, 'resource')]),
  )
}

function functionsByName({ functions }: Pick<AnyProvider<never>, 'functions'>) {
  return Object.fromEntries(functions.map((definition) => [definition.name, functionMessage(definition)]))
}

export const getFunctions: Rpc<GetFunctions_Request, GetFunctions_Response> = {
  name: 'GetFunctions',
  request: GetFunctions_Request,
  response: GetFunctions_Response,
  async handle(_request, { provider }) {
    return { functions: functionsByName(provider), diagnostics: [] }
  },
  fail: (_request, diagnostics) => ({ functions: {}, diagnostics }),
}

export const getMetadata: Rpc<GetMetadata_Request, GetMetadata_Response> = {
  name: 'GetMetadata',
  request: GetMetadata_Request,
  response: GetMetadata_Response,
  async handle(_request, { provider }) {
    const names = (types: readonly { readonly typeName: string }[]) => types.map(({ typeName }) => ({ typeName }))
    return {
      ...noMetadata,
      serverCapabilities,
      resources: names(provider.resources),
      dataSources: names(provider.dataSources),
      ephemeralResources: names(provider.ephemeralResources),
      functions: provider.functions.map(({ name }) => ({ name })),
    }
  },
  fail: (_request, diagnostics) => ({ ...noMetadata, diagnostics }),
}

const noMetadata: GetMetadata_Response = {
  diagnostics: [],
  dataSources: [],
  resources: [],
  functions: [],
  ephemeralResources: [],
  listResources: [],
  stateStores: [],
  actions: [],
}
