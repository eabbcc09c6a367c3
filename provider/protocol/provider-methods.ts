import type { Methods } from './grpc-server.ts'
import { readDataSource } from './handlers/data-source.ts'
import { closeEphemeralResource, openEphemeralResource, renewEphemeralResource } from './handlers/ephemeral.ts'
import { callFunction } from './handlers/function.ts'
import { configureProvider, stopProvider } from './handlers/provider.ts'
import { applyResourceChange, planResourceChange, readResource } from './handlers/resource.ts'
import { type Backend, method } from './handlers/rpc.ts'
import { getFunctions, getMetadata, getProviderSchema } from './handlers/schema.ts'
import { importResourceState, moveResourceState, upgradeResourceState } from './handlers/stored-state.ts'
import {
  validateDataSourceConfig,
  validateEphemeralConfig,
  validateProviderConfig,
  validateResourceConfig,
} from './handlers/validate.ts'

/** Every RPC of the provider service that is served here. What is missing is answered UNIMPLEMENTED. */
export function providerMethods<Client>(backend: Backend<Client>): Methods {
  return new Map([
    method(getMetadata, backend),
    method(getProviderSchema, backend),
    method(getFunctions, backend),
    method(validateProviderConfig, backend),
    method(validateResourceConfig, backend),
    method(validateDataSourceConfig, backend),
    method(validateEphemeralConfig, backend),
    method(configureProvider, backend),
    method(stopProvider, backend),
    method(upgradeResourceState, backend),
    method(readResource, backend),
    method(planResourceChange, backend),
    method(applyResourceChange, backend),
    method(importResourceState, backend),
    method(moveResourceState, backend),
    method(readDataSource, backend),
    method(openEphemeralResource, backend),
    method(renewEphemeralResource, backend),
    method(closeEphemeralResource, backend),
    method(callFunction, backend),
  ])
}
