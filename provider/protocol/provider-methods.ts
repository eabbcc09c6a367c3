import type { Session } from '../framework/session.ts'
import type { Methods } from './grpc-server.ts'
import { readDataSource } from './handlers/data-source.ts'
import { closeEphemeralResource, openEphemeralResource, renewEphemeralResource } from './handlers/ephemeral.ts'
import { callFunction } from './handlers/function.ts'
import { configureProvider, stopProvider } from './handlers/provider.ts'
import { applyResourceChange, planResourceChange, readResource } from './handlers/resource.ts'
import { method } from './handlers/rpc.ts'
import { getFunctions, getMetadata, getProviderSchema } from './handlers/schema.ts'
import { importResourceState, moveResourceState, upgradeResourceState } from './handlers/stored-state.ts'
import {
  validateDataSourceConfig,
  validateEphemeralConfig,
  validateProviderConfig,
  validateResourceConfig,
} from './handlers/validate.ts'

/** Every RPC of the provider service that is served here. What is missing is answered UNIMPLEMENTED. */
export function providerMethods<Client>(session: Session<Client>): Methods {
  return new Map([
    method(getMetadata, session),
    method(getProviderSchema, session),
    method(getFunctions, session),
    method(validateProviderConfig, session),
    method(validateResourceConfig, session),
    method(validateDataSourceConfig, session),
    method(validateEphemeralConfig, session),
    method(configureProvider, session),
    method(stopProvider, session),
    method(upgradeResourceState, session),
    method(readResource, session),
    method(planResourceChange, session),
    method(applyResourceChange, session),
    method(importResourceState, session),
    method(moveResourceState, session),
    method(readDataSource, session),
    method(openEphemeralResource, session),
    method(renewEphemeralResource, session),
    method(closeEphemeralResource, session),
    method(callFunction, session),
  ])
}
