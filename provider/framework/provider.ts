import type { Diagnostic, Diagnostics, Path } from './diagnostics.ts'
import type { ConfigOf, PlanOf, StateOf, UnresolvedFields } from './infer.ts'
import type { Json } from './json.ts'
import type { PrivateState } from './private-state.ts'
import type { Schema } from './schema.ts'
import type { Type } from './type.ts'
import type { Unknown, Value } from './value.ts'
import type { ValueOf } from './value-of.ts'

/** Writes to Terraform's log. Give it only what everybody may read: nothing is redacted. */
export interface Logger {
  debug(message: string, fields?: { readonly [name: string]: Json }): void
  info(message: string, fields?: { readonly [name: string]: Json }): void
  warn(message: string, fields?: { readonly [name: string]: Json }): void
  error(message: string, fields?: { readonly [name: string]: Json }): void
}

/** What every piece of provider code gets. The signal aborts when the user stops Terraform, and at the resource's timeout. */
export interface RequestContext {
  readonly diagnostics: Diagnostics
  readonly signal: AbortSignal
  readonly log: Logger
}

/** `client` is what `Provider.configure` returned. */
export interface ClientContext<Client> extends RequestContext {
  readonly client: Client
}

export interface ResourceContext<Client> extends ClientContext<Client> {
  /** Kept beside the state, invisible to the user, though not encrypted. */
  readonly private: PrivateState
}

export interface WriteContext<Config, State, Client> extends ResourceContext<Client> {
  /** Where write-only values are. */
  readonly config: Config
  /** From here on the object exists, or is changed: should what follows throw, this state is saved beside the error. */
  checkpoint(state: State): void
}

export type ApplyContext<S extends Schema, Client> = WriteContext<ConfigOf<S>, StateOf<S>, Client>

export interface PlanContext<Client> extends RequestContext {
  /** Absent while the provider's own configuration is still unknown. */
  readonly client: Client | undefined
  /** What is set here is handed to apply, and saved with a saved plan. */
  readonly private: PrivateState
  readonly requireReplace: (path: Path) => void
}

/** One planned change. `prior` is null for a create, `planned` and `config` for a destroy. */
export interface Change<Config, State, Planned> {
  readonly config: Config | null
  readonly prior: State | null
  readonly planned: Planned | null
}

/** The state of a resource of another type, or of another provider, as it was stored. */
export interface MovedState {
  readonly providerAddress: string
  readonly typeName: string
  readonly schemaVersion: number
  readonly state: { readonly [name: string]: Json }
}

/** Milliseconds after which the signal aborts. */
export interface Timeouts {
  readonly create?: number
  readonly read?: number
  readonly update?: number
  readonly delete?: number
}

/** A managed resource. What it cannot do, it leaves out. */
export interface Resource<S extends Schema = Schema, Client = unknown> {
  readonly typeName: string
  readonly schema: S
  readonly timeouts?: Timeouts
  /** From each older version of the schema to the next; integers beyond 2^53 come as decimal text. */
  readonly upgraders?: { readonly [fromVersion: number]: (state: { readonly [name: string]: Json }) => Json }
  /** Checks what goes beyond one attribute. Runs without network, with unknown values. */
  validate?(config: UnresolvedFields<ConfigOf<S>>, context: RequestContext): Promise<void> | void
  /** Returns the plan that shall be instead, or undefined to leave it. For a destroy it can only report. */
  modifyPlan?(
    change: Change<UnresolvedFields<ConfigOf<S>>, StateOf<S>, UnresolvedFields<PlanOf<S>>>,
    context: PlanContext<Client>,
  ): Promise<UnresolvedFields<PlanOf<S>> | undefined>
  /** Returns what was made; a thrown error or undefined saves nothing, or what `checkpoint` was told. */
  create(planned: PlanOf<S>, context: WriteContext<ConfigOf<S>, StateOf<S>, Client>): Promise<StateOf<S> | undefined>
  /** Returns undefined when the object is gone. After an error the state stays as it was. */
  read(current: StateOf<S>, context: ResourceContext<Client>): Promise<StateOf<S> | undefined>
  /** After an error the prior state stays, or what `checkpoint` was told. */
  update?(
    planned: PlanOf<S>,
    prior: StateOf<S>,
    context: WriteContext<ConfigOf<S>, StateOf<S>, Client>,
  ): Promise<StateOf<S> | undefined>
  /** After an error the state stays. Deleting what is gone already is no error. */
  delete(prior: StateOf<S>, context: ResourceContext<Client>): Promise<void>
  /** Returns what `read` needs to find the object; the rest is null until then. */
  importState?(id: string, context: ResourceContext<Client>): Promise<Partial<StateOf<S>> | undefined>
  /** Returns undefined for a source that it does not take over. Runs like `importState`: `read` comes next. */
  moveState?(
    source: MovedState,
    context: RequestContext & { readonly private: PrivateState },
  ): Promise<Partial<StateOf<S>> | undefined>
}

export interface DataSource<S extends Schema = Schema, Client = unknown> {
  readonly typeName: string
  readonly schema: S
  validate?(config: UnresolvedFields<ConfigOf<S>>, context: RequestContext): Promise<void> | void
  read(config: ConfigOf<S>, context: ClientContext<Client>): Promise<StateOf<S> | undefined>
}

/** A value that lives as long as the command. `private` carries what renew and close need; it is never stored. */
export interface EphemeralResource<S extends Schema = Schema, Client = unknown> {
  readonly typeName: string
  readonly schema: S
  validate?(config: UnresolvedFields<ConfigOf<S>>, context: RequestContext): Promise<void> | void
  open(config: ConfigOf<S>, context: ResourceContext<Client>): Promise<Opened<StateOf<S>> | undefined>
  /** Returns when to be called again, or undefined for never. */
  renew?(context: ResourceContext<Client>): Promise<Date | undefined>
  close?(context: ResourceContext<Client>): Promise<void>
}

export interface Opened<State> {
  readonly result: State
  readonly renewAt?: Date
}

export interface Parameter {
  readonly name: string
  readonly type: Type
  readonly description?: string
  readonly allowNull?: true
  readonly allowUnknown?: true
}

type Argument<P extends Parameter> =
  | ValueOf<P['type']>
  | (P extends { allowNull: true } ? null : never)
  | (P extends { allowUnknown: true } ? Unknown : never)

export type Arguments<P extends readonly Parameter[]> = number extends P['length']
  ? readonly Value[]
  : { readonly [K in keyof P]: Argument<P[K]> }

/** A pure function: no network, no provider configuration. */
export interface ProviderFunction<P extends readonly Parameter[], V extends Parameter | undefined> extends Signature {
  readonly parameters: P
  readonly variadic?: V
  /** Throws a `FunctionError` for a wrong argument. */
  call(args: Arguments<P>, rest: readonly (V extends Parameter ? Argument<V> : never)[]): Value
}

export interface Signature {
  readonly name: string
  readonly summary: string
  readonly description?: string
  readonly deprecated?: string
  readonly parameters: readonly Parameter[]
  readonly variadic?: Parameter | undefined
  readonly returns: Type
}

/** Infers what `call` gets from the parameters. */
export function defineFunction<const P extends readonly Parameter[], const V extends Parameter | undefined = undefined>(
  definition: ProviderFunction<P, V>,
): ProviderFunction<P, V> {
  return definition
}

/** A wrong argument, shown at its place in the configuration; `argument` counts from 0, variadic ones after the others. */
export class FunctionError extends Error {
  readonly argument: number | undefined
  constructor(message: string, argument?: number) {
    super(message)
    this.name = 'FunctionError'
    this.argument = argument
  }
}

export interface Provider<S extends Schema = Schema, Client = unknown> {
  /** Where the registry knows it: `registry.terraform.io/mooring/mooring`. */
  readonly address: string
  readonly version: string
  readonly schema: S
  readonly resources: readonly AnyResource<Client>[]
  readonly dataSources: readonly AnyDataSource<Client>[]
  readonly ephemeralResources: readonly AnyEphemeralResource<Client>[]
  readonly functions: readonly AnyFunction[]
  validate?(config: UnresolvedFields<ConfigOf<S>>, context: RequestContext): Promise<void> | void
  /** Returns the client, or undefined while the configuration is still too unknown to make one. No network here. */
  configure(
    config: UnresolvedFields<ConfigOf<S>>,
    context: RequestContext & { readonly terraformVersion: string },
  ): Promise<Client | undefined>
  /** Turns an error of the client into a diagnostic; undefined leaves the general one. */
  describeError?(error: unknown): Diagnostic | undefined
}

/** The same, whatever the schema: how the framework sees them. Interfaces of their own, so that they compare by shape. */
export interface AnyProvider<Client> extends Provider<Schema, Client> {}
export interface AnyResource<Client> extends Resource<Schema, Client> {}
export interface AnyDataSource<Client> extends DataSource<Schema, Client> {}
export interface AnyEphemeralResource<Client> extends EphemeralResource<Schema, Client> {}
export interface AnyFunction extends Signature {
  call(args: readonly Value[], rest: readonly Value[]): Value
}
