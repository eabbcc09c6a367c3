/** A CONNECT proxy, and the hosts that are reached without it (`NO_PROXY`: names, `.suffixes`, `host:port` or `*`). */
export interface HttpProxy {
  readonly url: string
  readonly noProxy?: string
}

/** Gives the proxy that the target goes through, or `undefined` where it is dialled directly. */
export function proxyFor(target: URL, proxy: HttpProxy | undefined): HttpProxy | undefined {
  if (!proxy) return undefined
  const port = target.port || (target.protocol === 'https:' ? '443' : '80')
  const exceptions = (proxy.noProxy ?? '').toLowerCase().split(/[\s,]+/)
  return exceptions.some((exception) => matchesException(exception, target.hostname, port)) ? undefined : proxy
}

function matchesException(exception: string, hostname: string, port: string): boolean {
  if (exception === '') return false
  if (exception === '*') return true
  const { name, onlyPort } = /^(?<name>.*[^:]):(?<onlyPort>\d+)$/.exec(exception)?.groups ?? { name: exception }
  if (onlyPort !== undefined && onlyPort !== port) return false
  const suffix = (name ?? '').replace(/^\*?\./, '')
  return hostname === suffix || hostname.endsWith(`.${suffix}`)
}
