import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'

/** The address that a request comes from: what strangers are limited by (S13). */
export type SourceAddress = (request: IncomingMessage) => string

/** More names than any real chain of proxies has; what is beyond is a stranger's text. */
const longestChain = 20

/**
 * Makes the reader of source addresses. It is the socket's, and where that is a trusted proxy what the proxy says in
 * X-Forwarded-For: read from the right, since each proxy appends whom it was called by, up to the first that is not
 * trusted. Whoever is no trusted proxy is not believed. `trusted` are addresses and networks as `address/length`.
 */
export function createSourceAddress(trusted: readonly string[]): SourceAddress {
  const proxies = new BlockList()
  for (const network of trusted) addNetwork(proxies, network)
  const isTrusted = (address: string) => proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
  return (request) => {
    const direct = plainAddress(request.socket.remoteAddress ?? '') ?? 'unknown'
    if (trusted.length === 0 || direct === 'unknown' || !isTrusted(direct)) return direct
    const forwarded = request.headers['x-forwarded-for']
    const chain = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',').slice(-longestChain)
    let source = direct
    for (const name of chain.reverse()) {
      const address = plainAddress(name.trim())
      if (address === undefined) break
      source = address
      if (!isTrusted(address)) break
    }
    return source
  }
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', length] = network.split('/')
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  if (length === undefined) list.addAddress(address, family)
  else list.addSubnet(address, Number(length), family)
}

/** The address alone: some proxies add the port, and IPv4 comes as ::ffff:… on a socket of both families. */
function plainAddress(text: string): string | undefined {
  const bare = /^\[([0-9a-f:.]+)\](:\d{1,5})?$/i.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text
  const address = /^::ffff:([\d.]+)$/i.exec(bare)?.[1] ?? bare
  return isIP(address) === 0 ? undefined : address
}
