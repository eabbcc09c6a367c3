import { apiKeyHandlers } from './http/handlers/api-keys.ts'
import { auditHandlers } from './http/handlers/audit.ts'
import { browsingHandlers } from './http/handlers/browsing.ts'
import { deliveryHandlers } from './http/handlers/deliveries.ts'
import { integrationHandlers } from './http/handlers/integrations.ts'
import { metaHandlers } from './http/handlers/meta.ts'
import { moduleHandlers } from './http/handlers/modules.ts'
import { runHandlers } from './http/handlers/runs.ts'
import { sessionHandlers } from './http/handlers/sessions.ts'
import { spaceHandlers } from './http/handlers/spaces.ts'
import { attachmentHandlers, stackHandlers } from './http/handlers/stacks.ts'
import { userHandlers } from './http/handlers/users.ts'
import { vcsAgentPoolHandlers } from './http/handlers/vcs-agent-pools.ts'
import { webhookTargetHandlers } from './http/handlers/webhook-targets.ts'
import type { Handlers } from './http/handlers.ts'
import type { SessionDependencies } from './services/sessions.ts'
import type { SpaceDependencies } from './services/spaces.ts'
import type { TokenDependencies } from './services/tokens.ts'
import { readVersion } from './version.ts'

/** What signing in needs beyond the installation, and whether this server keeps quiet. */
export interface OperationParts {
  readonly tokens: TokenDependencies
  readonly sessions: SessionDependencies
  readonly isQuiet: boolean
}

/** Puts every resource's handlers together: one for each operation of `schemas/api.ts`. */
export function handleOperations(
  installation: SpaceDependencies,
  { tokens, sessions, isQuiet }: OperationParts,
): Handlers {
  const { db } = installation
  return {
    ...metaHandlers(installation, readVersion(), isQuiet),
    ...apiKeyHandlers(installation, tokens),
    ...userHandlers(installation),
    ...sessionHandlers(sessions, tokens),
    ...spaceHandlers(installation),
    ...integrationHandlers(installation),
    ...vcsAgentPoolHandlers(installation),
    ...stackHandlers(installation),
    ...attachmentHandlers(installation),
    ...moduleHandlers(installation),
    ...browsingHandlers(installation),
    ...webhookTargetHandlers(installation),
    ...runHandlers(db),
    ...deliveryHandlers(db),
    ...auditHandlers(db),
  }
}
