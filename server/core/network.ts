import { isIP } from 'node:net'

/** Whether it names an address or a network. */
export function isNetwork(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/')
  const most = isIP(address) === 6 ? 128 : 32
  if (isIP(address) === 0 || rest.length > 0) return false
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most)
}
