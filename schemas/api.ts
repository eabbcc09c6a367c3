import type * as z from 'zod'
import { apiKeyOperations } from './operations/api-keys.ts'
import { attachmentOperations } from './operations/attachments.ts'
import { auditOperations } from './operations/audit.ts'
import { browsingOperations } from './operations/browsing.ts'
import { deliveryOperations } from './operations/deliveries.ts'
import { integrationOperations } from './operations/integrations.ts'
import { metaOperations } from './operations/meta.ts'
import { moduleOperations } from './operations/modules.ts'
import { runOperations } from './operations/runs.ts'
import { sessionOperations } from './operations/sessions.ts'
import { spaceOperations } from './operations/spaces.ts'
import { stackOperations } from './operations/stacks.ts'
import { userOperations } from './operations/users.ts'
import { vcsAgentPoolOperations } from './operations/vcs-agent-pools.ts'
import { webhookOperations } from './operations/webhooks.ts'

/** Every operation of the API under one stable name; OpenAPI, router, client and types follow from this table. */
export const operations = {
  ...metaOperations,
  ...apiKeyOperations,
  ...userOperations,
  ...sessionOperations,
  ...spaceOperations,
  ...integrationOperations,
  ...vcsAgentPoolOperations,
  ...stackOperations,
  ...attachmentOperations,
  ...moduleOperations,
  ...browsingOperations,
  ...runOperations,
  ...deliveryOperations,
  ...webhookOperations,
  ...auditOperations,
} as const

export type Operations = typeof operations
export type OperationId = keyof Operations

type Sent<T> = T extends z.ZodType ? z.input<T> : never
type Received<T> = T extends z.ZodType ? z.output<T> : never
type Part<Id extends OperationId, Key extends 'params' | 'query' | 'body'> = Operations[Id] extends {
  readonly [P in Key]: infer Schema
}
  ? Schema
  : undefined
type Parts<Id extends OperationId, Direction extends 'sent' | 'received'> = {
  [Key in 'params' | 'query' | 'body' as Part<Id, Key> extends undefined ? never : Key]: Direction extends 'sent'
    ? Sent<Part<Id, Key>>
    : Received<Part<Id, Key>>
}

/** What a client sends: `params`, `query` and `body`, those that the operation has; defaults may be left out. */
export type OperationRequest<Id extends OperationId> = Parts<Id, 'sent'>
/** What the server's handler receives: the same, validated, defaults filled in. */
export type OperationInput<Id extends OperationId> = Parts<Id, 'received'>
/** What the operation answers; undefined where it answers nothing. */
export type OperationOutput<Id extends OperationId> = Operations[Id] extends { readonly response: infer Schema }
  ? Received<Schema>
  : undefined
