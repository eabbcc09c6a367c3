/** What is loaded once the handshake is out, as one import. */
export { newGrpcServer } from './grpc-server.ts'
export { pluginMethods } from './plugin-services.ts'
export { providerMethods } from './provider-methods.ts'
