import { BlockList, isIP } from 'node:net'
import { TransportError } from '../../clients/transport.ts'

export interface OutboundPolicy {
  /** `host:port` pairs whose loopback addresses may be called (R212). */
  readonly allowedLoopback: readonly string[]
  /** Where set, the only host names that may be called (S32). */
  readonly allowedHosts: readonly string[] | undefined
  /** The server's own address, which it never calls. */
  readonly publicUrl: string | undefined
}

export interface OutboundGuard {
  /** Throws a `TransportError` of code `blocked` for an address that must not be dialled: asked for each, right before. */
  checkAddress(address: string, port: number): void
  /** Throws likewise for a URL that must not be called, judged by what `new URL` reads and not by its text (S33). */
  checkUrl(url: string): void
}

/**
 * Decides where the server may send requests (S31 to S33). Private networks are allowed, since Bitbucket lives
 * there; link-local and metadata addresses, loopback, multicast and the unspecified address are not.
 */
export function createOutboundGuard(policy: OutboundPolicy): OutboundGuard {
  const loopback = new Set(policy.allowedLoopback.flatMap(loopbackAddresses))
  const own = policy.publicUrl === undefined ? undefined : new URL(policy.publicUrl).host
  const checkAddress = (address: string, port: number) => {
    const bytes = addressBytes(address)
    if (bytes === undefined || isRefused(bytes)) throw blocked()
    if (isLoopback(bytes) && !loopback.has(`${canonical(bytes)} ${port}`)) throw blocked()
  }
  return {
    checkAddress,
    checkUrl: (text) => {
      if (!isPlainText(text) || !URL.canParse(text)) throw blocked()
      const url = new URL(text)
      if (url.protocol !== 'http:' && url.protocol !== 'https:') throw blocked()
      if (url.username !== '' || url.password !== '' || url.host === own) throw blocked()
      if (policy.allowedHosts && !policy.allowedHosts.includes(url.hostname)) throw blocked()
      const literal = url.hostname.replace(/^\[|\]$/g, '')
      if (isIP(literal) !== 0) checkAddress(literal, portOf(url))
    },
  }
}

/** A control character is dropped by `new URL`, a backslash becomes a slash: what was checked would not be what is sent. */
function isPlainText(text: string): boolean {
  return [...text].every((character) => character > ' ' && character !== '\\' && character !== '\u007f')
}

function blocked(): TransportError {
  return new TransportError('blocked', { nothingSent: true })
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

/** The name `localhost` stands for both loopback addresses. */
function loopbackAddresses(pair: string): string[] {
  const { host = '', port = '' } = /^(?<host>.+):(?<port>\d+)$/.exec(pair)?.groups ?? {}
  const addresses = host === 'localhost' ? ['127.0.0.1', '::1'] : [host.replace(/^\[|\]$/g, '')]
  return addresses.flatMap((address) => {
    const bytes = addressBytes(address)
    return bytes === undefined ? [] : [`${canonical(bytes)} ${port}`]
  })
}

const refused4 = blockList('ipv4', [
  ['0.0.0.0', 8], // unspecified
  ['169.254.0.0', 16], // link-local, cloud metadata
  ['100.100.100.200', 32], // metadata of Alibaba Cloud
  ['168.63.129.16', 32], // platform services of Azure
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
])
const refused6 = blockList('ipv6', [
  ['::', 128], // unspecified
  ['fe80::', 10], // link-local
  ['fd00:ec2::254', 128], // metadata of AWS
  ['ff00::', 8], // multicast
  ['2001::', 32], // Teredo: a disguised IPv4 address
])

function blockList(family: 'ipv4' | 'ipv6', subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, family)
  return list
}

function isRefused(bytes: readonly number[]): boolean {
  return bytes.length === 4 ? refused4.check(canonical(bytes), 'ipv4') : refused6.check(canonical(bytes), 'ipv6')
}

function isLoopback(bytes: readonly number[]): boolean {
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0))
}

/**
 * The bytes of an address: 4 or 16. An IPv4 address inside an IPv6 one (mapped, compatible, NAT64, 6to4) is taken
 * out, since `BlockList` sees through the mapped form alone (measured).
 */
function addressBytes(address: string): readonly number[] | undefined {
  const family = isIP(address)
  if (family === 0) return undefined
  if (family === 4) return address.split('.').map(Number)
  const bytes = ipv6Bytes(address)
  const startsWith = (...prefix: number[]) => prefix.every((byte, index) => bytes[index] === byte)
  const zeros = (count: number) => Array<number>(count).fill(0)
  if (startsWith(...zeros(10), 0xff, 0xff)) return bytes.slice(12)
  if (startsWith(0x00, 0x64, 0xff, 0x9b)) return bytes.slice(12)
  if (startsWith(0x20, 0x02)) return bytes.slice(2, 6)
  if (startsWith(...zeros(12)) && (bytes[12] !== 0 || bytes[13] !== 0)) return bytes.slice(12)
  return bytes
}

function ipv6Bytes(address: string): number[] {
  // The URL parser writes an IPv6 address in its one canonical form; a zone has no place in it.
  const text = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'))
  const [before, after] = [groups(head), groups(tail)]
  const missing = Array<string>(8 - before.length - after.length).fill('0')
  return [...before, ...missing, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

function canonical(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0))
  return groups.map((group) => group.toString(16)).join(':')
}
