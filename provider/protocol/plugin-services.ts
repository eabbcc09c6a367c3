import type { Methods } from './grpc-server.ts'

const emptyMessage = new Uint8Array()
const serving = Uint8Array.of(0x08, 0x01) // HealthCheckResponse { status: SERVING }

/**
 * What every plugin has beside its provider: shutting down, health, and two streams that we leave silent. The open output
 * stream also keeps the connection from being closed as idle while Terraform waits for something else.
 */
export function pluginMethods(shutDown: () => void): Methods {
  return new Map([
    [
      '/plugin.GRPCController/Shutdown',
      {
        kind: 'unary',
        answer: async () => {
          setImmediate(shutDown)
          return emptyMessage
        },
      },
    ],
    ['/plugin.GRPCStdio/StreamStdio', { kind: 'idle' }],
    ['/plugin.GRPCBroker/StartStream', { kind: 'idle' }],
    ['/grpc.health.v1.Health/Check', { kind: 'unary', answer: async () => serving }],
  ])
}
