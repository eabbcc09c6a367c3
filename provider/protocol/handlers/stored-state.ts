import { Buffer } from 'node:buffer'
import { conformBlock } from '../../framework/conform.ts'
import { type Diagnostics, newDiagnostics } from '../../framework/diagnostics.ts'
import { importResource, moveResource } from '../../framework/read-resource.ts'
import { blockType } from '../../framework/schema.ts'
import { type JsonObject, upgradeState } from '../../framework/upgrade-state.ts'
import { diagnosticMessages } from '../diagnostics-message.ts'
import { encodeDynamicValue, encodePrivate } from '../dynamic-value.ts'
import {
  ImportResourceState_Request,
  ImportResourceState_Response,
  MoveResourceState_Request,
  MoveResourceState_Response,
  type RawState,
  UpgradeResourceState_Request,
  UpgradeResourceState_Response,
} from '../generated/tfplugin6.ts'
import { decodeJson, parseLossless } from '../json-value.ts'
import { findType, type Rpc } from './rpc.ts'

/** Called on every refresh, with state as JSON even when its version is the current one (trap 5). */
export const upgradeResourceState: Rpc<UpgradeResourceState_Request, UpgradeResourceState_Response> = {
  name: 'UpgradeResourceState',
  request: UpgradeResourceState_Request,
  response: UpgradeResourceState_Response,
  async handle({ typeName, version, rawState }, { provider }) {
    const resource = findType(provider.resources, typeName)
    const type = blockType(resource.schema)
    const diagnostics = newDiagnostics()
    const stored = parseState(rawState, diagnostics)
    const upgraded = stored && upgradeState(resource, Number(version), stored, diagnostics)
    const state = upgraded && conformBlock(resource.schema, decodeJson(upgraded, type), 'state', diagnostics, [])
    return {
      upgradedState: state && encodeDynamicValue(state, type),
      diagnostics: diagnosticMessages(diagnostics.list),
    }
  },
  fail: (_request, diagnostics) => ({ diagnostics }),
}

function parseState(raw: RawState | undefined, diagnostics: Diagnostics): JsonObject | undefined {
  const json = raw && raw.json.length > 0 ? parseLossless(Buffer.from(raw.json).toString()) : undefined
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as JsonObject
  diagnostics.error(
    'State cannot be read',
    raw && Object.keys(raw.flatmap).length > 0
      ? 'The state was written by Terraform 0.11 or older. Run "terraform apply" with 0.12 on it first.'
      : 'The stored state of the resource is not a JSON object.',
  )
  return undefined
}

export const importResourceState: Rpc<ImportResourceState_Request, ImportResourceState_Response> = {
  name: 'ImportResourceState',
  request: ImportResourceState_Request,
  response: ImportResourceState_Response,
  async handle({ typeName, id }, session) {
    const resource = findType(session.provider.resources, typeName)
    const found = await importResource(session, resource, id)
    const imported = found.state && {
      typeName,
      state: encodeDynamicValue(found.state, blockType(resource.schema)),
      private: encodePrivate(found.private),
    }
    return { importedResources: imported ? [imported] : [], diagnostics: diagnosticMessages(found.diagnostics) }
  },
  fail: (_request, diagnostics) => ({ importedResources: [], diagnostics }),
}

export const moveResourceState: Rpc<MoveResourceState_Request, MoveResourceState_Response> = {
  name: 'MoveResourceState',
  request: MoveResourceState_Request,
  response: MoveResourceState_Response,
  async handle(request, session) {
    const resource = findType(session.provider.resources, request.targetTypeName)
    const diagnostics = newDiagnostics()
    const state = parseState(request.sourceState, diagnostics)
    if (!state) return { diagnostics: diagnosticMessages(diagnostics.list), targetPrivate: new Uint8Array() }
    const moved = await moveResource(session, resource, {
      providerAddress: request.sourceProviderAddress,
      typeName: request.sourceTypeName,
      schemaVersion: Number(request.sourceSchemaVersion),
      state,
    })
    return {
      targetState: moved.state ? encodeDynamicValue(moved.state, blockType(resource.schema)) : undefined,
      targetPrivate: encodePrivate(moved.private),
      diagnostics: diagnosticMessages(moved.diagnostics),
    }
  },
  fail: (_request, diagnostics) => ({ diagnostics, targetPrivate: new Uint8Array() }),
}
