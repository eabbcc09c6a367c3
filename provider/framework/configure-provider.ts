import { type Diagnostic, newDiagnostics } from './diagnostics.ts'
import { withDefaults } from './plan-values.ts'
import type { RequestContext } from './provider.ts'
import type { Schema } from './schema.ts'
import { attempt, requestContext, type Session } from './session.ts'
import { validateBlock } from './validate-config.ts'
import type { ValueObject } from './value.ts'

/** Configures the provider; its client is in the session afterwards, unless the configuration is still unknown. */
export async function configureProvider<Client>(
  session: Session<Client>,
  config: ValueObject,
  terraformVersion: string,
): Promise<readonly Diagnostic[]> {
  const diagnostics = newDiagnostics()
  const { provider } = session
  const context = { ...requestContext(session, diagnostics, undefined), terraformVersion }
  const filled = withDefaults(provider.schema, config, config)
  session.client = await attempt(session, diagnostics, () => provider.configure(filled, context))
  session.configured = !diagnostics.hasErrors()
  return diagnostics.list
}

/** Checks a configuration: first what the schema says, then what the type itself adds. */
export async function validateConfig<Client>(
  session: Session<Client>,
  subject: {
    readonly schema: Schema
    validate?(config: ValueObject, context: RequestContext): Promise<void> | void
  },
  config: ValueObject,
  client: { readonly writeOnlyAllowed: boolean },
): Promise<readonly Diagnostic[]> {
  const diagnostics = newDiagnostics()
  validateBlock(subject.schema, config, diagnostics, client, [])
  await attempt(session, diagnostics, () => subject.validate?.(config, requestContext(session, diagnostics, undefined)))
  return diagnostics.list
}
