import { applyResource } from '../../provider/framework/apply-resource.ts'
import { conformBlock } from '../../provider/framework/conform.ts'
import { type Diagnostic, newDiagnostics } from '../../provider/framework/diagnostics.ts'
import { equalValues } from '../../provider/framework/equality.ts'
import { type PlanResult, planResource } from '../../provider/framework/plan-resource.ts'
import type { AnyProvider, AnyResource, Logger } from '../../provider/framework/provider.ts'
import { type Attributes, type Block, blockType } from '../../provider/framework/schema.ts'
import { newSession, type Session } from '../../provider/framework/session.ts'
import type { Value, ValueObject } from '../../provider/framework/value.ts'
import { assertObjectCompatible, assertPlanValid } from './plan-oracle.ts'

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A provider that is configured with this client, without a process and without Terraform. */
export function sessionWith<Client>(provider: AnyProvider<Client>, client: Client): Session<Client> {
  const session = newSession(provider, silent)
  session.client = client
  session.configured = true
  return session
}

export interface Held {
  readonly state: ValueObject | null
  readonly private: PlanResult['private']
}

export const nothingHeld: Held = { state: null, private: {} }

/** Plans as Terraform would for this configuration (null: destroy), and has the oracle judge the plan (R139c). */
export async function plan<Client>(
  session: Session<Client>,
  resource: AnyResource<Client>,
  held: Held,
  configuration: ValueObject | null,
): Promise<PlanResult & { readonly config: ValueObject | null }> {
  const { schema } = resource
  const config = configuration && wholeConfig(schema, configuration)
  const proposed = config && proposedNew(schema, held.state, config)
  const result = await planResource(session, resource, { config, prior: held.state, proposed, private: held.private })
  const failed = result.diagnostics.some(({ severity }) => severity === 'error')
  if (!failed) assertPlanValid(schema, { prior: held.state, config, planned: result.planned })
  return { ...result, config }
}

/** Plans and applies, replacing where the plan says so; the oracle judges both. */
export async function apply<Client>(
  session: Session<Client>,
  resource: AnyResource<Client>,
  held: Held,
  configuration: ValueObject | null,
): Promise<Held & { readonly diagnostics: readonly Diagnostic[] }> {
  const planned = await plan(session, resource, held, configuration)
  if (planned.diagnostics.some(({ severity }) => severity === 'error')) {
    return { ...held, diagnostics: planned.diagnostics }
  }
  if (planned.requiresReplace.length > 0) {
    const destroyed = await apply(session, resource, held, null)
    return destroyed.state ? destroyed : apply(session, resource, nothingHeld, configuration)
  }
  // Terraform does not ask to apply what changes nothing.
  if (equalValues(held.state, planned.planned, blockType(resource.schema))) {
    return { state: held.state, private: planned.private, diagnostics: planned.diagnostics }
  }
  const request = { config: planned.config, prior: held.state, planned: planned.planned, private: planned.private }
  const applied = await applyResource(session, resource, request)
  const failed = applied.diagnostics.some(({ severity }) => severity === 'error')
  if (!failed) assertObjectCompatible(resource.schema, planned.planned, applied.state)
  return { ...applied, diagnostics: [...planned.diagnostics, ...applied.diagnostics] }
}

/** A configuration with null for everything that it does not name. */
export function wholeConfig(schema: Block, configuration: ValueObject): ValueObject {
  const diagnostics = newDiagnostics()
  const whole = conformBlock(schema, configuration, 'plan', diagnostics, [])
  if (diagnostics.hasErrors()) throw new Error(diagnostics.list.map(({ detail }) => detail).join('\n'))
  const secrets = Object.entries(schema.attributes).filter(([, { marks }]) => marks.writeOnly)
  return { ...whole, ...Object.fromEntries(secrets.map(([name]) => [name, configuration[name] ?? null])) }
}

/** What Terraform proposes: the configuration, and where it is silent about something computed, the prior value. */
function proposedNew(block: Block, prior: ValueObject | null, config: ValueObject): ValueObject {
  const attributes = Object.entries(block.attributes).map(([name, { marks, nested }]): [string, Value] => {
    const [wanted, before] = [config[name] ?? null, prior?.[name] ?? null]
    if (wanted === null) return [name, marks.computed ? before : null]
    return [name, nested ? proposedNested(nested.nesting, { attributes: nested.attributes }, before, wanted) : wanted]
  })
  const blocks = Object.entries(block.blocks ?? {}).map(([name, nested]): [string, Value] => [
    name,
    proposedNested(nested.nesting, nested.block, prior?.[name] ?? null, config[name] ?? null),
  ])
  return Object.fromEntries([...attributes, ...blocks])
}

function proposedNested(nesting: string, block: Block, prior: Value, config: Value): Value {
  if (Array.isArray(config)) {
    const before: readonly Value[] = Array.isArray(prior) ? prior : []
    return config.map((item: Value, index) => {
      const other =
        nesting === 'set'
          ? before.find(
              (candidate) => isRecord(candidate) && isRecord(item) && agrees(block.attributes, item, candidate),
            )
          : before[index]
      return isRecord(item) ? proposedNew(block, isRecord(other) ? other : null, item) : item
    })
  }
  if (!isRecord(config)) return config
  const before = isRecord(prior) ? prior : null
  if (nesting === 'single') return proposedNew(block, before, config)
  return Object.fromEntries(
    Object.entries(config).map(([key, item]) => {
      const other = before?.[key] ?? null
      return [key, isRecord(item) ? proposedNew(block, isRecord(other) ? other : null, item) : item]
    }),
  )
}

function agrees(attributes: Attributes, config: ValueObject, prior: ValueObject): boolean {
  return Object.keys(attributes).every((name) => {
    const wanted = config[name] ?? null
    return wanted === null || JSON.stringify(wanted) === JSON.stringify(prior[name])
  })
}

function isRecord(value: Value | undefined): value is ValueObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getOwnPropertySymbols(value).length === 0
  )
}
