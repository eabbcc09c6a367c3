import { Agent } from 'node:http'
import { send } from './traffic.ts'

/** The one that `startServerChild` gives its server. */
const bootstrapKey = { keyId: '00000000-0000-4000-8000-000000000000', keySecret: 'A'.repeat(43) }

/** Makes the first root admin's key of a server that was started by `startServerChild`, and gives a token of it. */
export async function createRootToken(port: number): Promise<string> {
  const agent = new Agent()
  const post = async (path: string, body: object, token?: string) => {
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
    const { status, text } = await send(agent, port, 'POST', path, JSON.stringify(body), headers)
    if (status >= 300 || status === 0) throw new Error(`${path} was answered ${status}: ${text}`)
    return JSON.parse(text) as Record<string, string>
  }
  const { token: first } = await post('/api/v1/token', bootstrapKey)
  const key = await post('/api/v1/api-keys', { name: 'faults root', role: 'admin' }, first)
  const { token } = await post('/api/v1/token', { keyId: key.id, keySecret: key.secret })
  return token ?? ''
}
