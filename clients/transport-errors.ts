import { TransportError } from './transport.ts'

const dnsCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'])
const unreachableCodes = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ENETDOWN',
  'EHOSTDOWN',
])
const timeoutCodes = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])
const certificateCodes = /^(ERR_TLS_CERT_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/
const tlsCodes = /^(ERR_TLS_|ERR_SSL_|EPROTO)/

/** Says in our own words why an exchange failed, from what Node or undici threw. */
export function toTransportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error
  const { code = '', syscall } = systemError(error)
  // The same codes come from a connection that breaks later, when the request may have arrived.
  const nothingSent = syscall === 'connect' || code === 'UND_ERR_CONNECT_TIMEOUT'
  if (dnsCodes.has(code)) return new TransportError('dns', { nothingSent: true, reason: code })
  if (certificateCodes.test(code)) return new TransportError('tls', { nothingSent: true, reason: code })
  if (tlsCodes.test(code)) return new TransportError('tls', { nothingSent: false, reason: code })
  if (unreachableCodes.has(code)) return new TransportError('refused', { nothingSent, reason: code })
  if (timeoutCodes.has(code)) return new TransportError('timeout', { nothingSent, reason: code })
  return new TransportError('reset', { nothingSent, reason: code })
}

/** Where several addresses were dialled, the first attempt speaks for all. */
function systemError(error: unknown): { readonly code?: string; readonly syscall?: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return systemError(error.errors[0])
  if (typeof error !== 'object' || error === null) return {}
  return {
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...('syscall' in error && typeof error.syscall === 'string' ? { syscall: error.syscall } : {}),
  }
}
