import { applyResource } from '../../framework/apply-resource.ts'
import { planResource } from '../../framework/plan-resource.ts'
import { readResource as read } from '../../framework/read-resource.ts'
import { blockType } from '../../framework/schema.ts'
import { diagnosticMessages, pathMessage } from '../diagnostics-message.ts'
import { decodeBlockValue, decodePrivate, encodeDynamicValue, encodePrivate } from '../dynamic-value.ts'
import {
  ApplyResourceChange_Request,
  ApplyResourceChange_Response,
  PlanResourceChange_Request,
  PlanResourceChange_Response,
  ReadResource_Request,
  ReadResource_Response,
} from '../generated/tfplugin6.ts'
import { findType, type Rpc } from './rpc.ts'

export const readResource: Rpc<ReadResource_Request, ReadResource_Response> = {
  name: 'ReadResource',
  request: ReadResource_Request,
  response: ReadResource_Response,
  async handle(request, session) {
    const resource = findType(session.provider.resources, request.typeName)
    const type = blockType(resource.schema)
    const current = decodeBlockValue(request.currentState, type)
    if (!current) return { newState: request.currentState, diagnostics: [], private: request.private }
    const result = await read(session, resource, { current, private: decodePrivate(request.private) })
    return {
      newState: encodeDynamicValue(result.state, type),
      diagnostics: diagnosticMessages(result.diagnostics),
      private: encodePrivate(result.private),
    }
  },
  fail: ({ currentState, private: kept }, diagnostics) => ({ newState: currentState, diagnostics, private: kept }),
}

export const planResourceChange: Rpc<PlanResourceChange_Request, PlanResourceChange_Response> = {
  name: 'PlanResourceChange',
  request: PlanResourceChange_Request,
  response: PlanResourceChange_Response,
  async handle(request, session) {
    const resource = findType(session.provider.resources, request.typeName)
    const type = blockType(resource.schema)
    const result = await planResource(session, resource, {
      config: decodeBlockValue(request.config, type),
      prior: decodeBlockValue(request.priorState, type),
      proposed: decodeBlockValue(request.proposedNewState, type),
      private: decodePrivate(request.priorPrivate),
    })
    return {
      plannedState: encodeDynamicValue(result.planned, type),
      requiresReplace: result.requiresReplace.map(pathMessage),
      plannedPrivate: encodePrivate(result.private),
      diagnostics: diagnosticMessages(result.diagnostics),
      legacyTypeSystem: false, // true would hide our mistakes (trap 9)
    }
  },
  fail: ({ priorState, priorPrivate }, diagnostics) => ({
    plannedState: priorState,
    requiresReplace: [],
    plannedPrivate: priorPrivate,
    diagnostics,
    legacyTypeSystem: false,
  }),
}

export const applyResourceChange: Rpc<ApplyResourceChange_Request, ApplyResourceChange_Response> = {
  name: 'ApplyResourceChange',
  request: ApplyResourceChange_Request,
  response: ApplyResourceChange_Response,
  async handle(request, session) {
    const resource = findType(session.provider.resources, request.typeName)
    const type = blockType(resource.schema)
    const result = await applyResource(session, resource, {
      config: decodeBlockValue(request.config, type),
      prior: decodeBlockValue(request.priorState, type),
      planned: decodeBlockValue(request.plannedState, type),
      private: decodePrivate(request.plannedPrivate),
    })
    return {
      newState: encodeDynamicValue(result.state, type),
      private: encodePrivate(result.private),
      diagnostics: diagnosticMessages(result.diagnostics),
      legacyTypeSystem: false,
    }
  },
  fail: ({ priorState, plannedPrivate }, diagnostics) => ({
    newState: priorState,
    private: plannedPrivate,
    diagnostics,
    legacyTypeSystem: false,
  }),
}
