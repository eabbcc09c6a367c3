import type { Buffer } from 'node:buffer'
import type { Diagnostic } from '../../framework/diagnostics.ts'
import type { Logger } from '../../framework/provider.ts'
import type { Session } from '../../framework/session.ts'
import { diagnosticMessages } from '../diagnostics-message.ts'
import type { Diagnostic as DiagnosticMessage } from '../generated/tfplugin6.ts'
import type { Method } from '../grpc-server.ts'

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array }
  decode(bytes: Uint8Array): Message
}

/** One remote procedure of the provider service. */
export interface Rpc<Request, Response> {
  readonly name: string
  readonly request: Codec<Request>
  readonly response: Codec<Response>
  handle<Client>(request: Request, session: Session<Client>): Promise<Response>
  /** The answer when `handle` failed, which is a bug of ours: the user still reads it at the right resource. */
  fail(request: Request, diagnostics: DiagnosticMessage[]): Response
}

/** What answers: the session of a provider that may still be loading. */
export interface Backend<Client> {
  session(): Promise<Session<Client>>
  readonly log: Logger
}

/** The path and the answering of an RPC. A bug becomes a diagnostic, never a gRPC error (trap 8). */
export function method<Request, Response, Client>(
  rpc: Rpc<Request, Response>,
  backend: Backend<Client>,
): readonly [string, Method] {
  const answer = async (bytes: Buffer): Promise<Uint8Array> => {
    const request = rpc.request.decode(bytes)
    try {
      return rpc.response.encode(await rpc.handle(request, await backend.session())).finish()
    } catch (error) {
      backend.log.error('request failed', { rpc: rpc.name, error: error instanceof Error ? error.name : typeof error })
      return rpc.response.encode(rpc.fail(request, diagnosticMessages([bugDiagnostic(rpc.name, error)]))).finish()
    }
  }
  return [`/tfplugin6.Provider/${rpc.name}`, { kind: 'unary', answer }]
}

function bugDiagnostic(name: string, error: unknown): Diagnostic {
  const message = error instanceof Error ? error.message : String(error)
  return {
    severity: 'error',
    summary: 'The provider made a mistake',
    detail: `${name} failed: ${message}. This is a bug in the provider: please report it.`,
  }
}

/** The resource, data source or ephemeral resource of a type. Terraform only asks for what the schema lists. */
export function findType<T extends { readonly typeName: string }>(types: readonly T[], typeName: string): T {
  const found = types.find((type) => type.typeName === typeName)
  if (!found) throw new Error(`the provider has no type "${typeName}"`)
  return found
}
