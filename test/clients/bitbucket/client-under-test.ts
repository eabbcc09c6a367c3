import { onTestFinished } from 'vitest'
import type { BitbucketClient } from '../../../clients/bitbucket/client.ts'
import type { Transport } from '../../../clients/transport.ts'
import { openUndiciTransport } from '../../../clients/transport-undici.ts'

/** A client with a transport of its own, closed when the test ends. */
export function openClient(
  baseUrl: string,
  token: string,
  wrap = (transport: Transport) => transport,
): BitbucketClient {
  const transport = openUndiciTransport({})
  onTestFinished(() => transport.close())
  return { transport: wrap(transport.send), baseUrl, token }
}

/** A transport that gives one made-up answer, and remembers what it was asked. */
export function answering(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = { 'content-type': 'application/json;charset=UTF-8' },
) {
  const requests: Parameters<Transport>[0][] = []
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(text)
  const transport: Transport = async (request) => {
    requests.push(request)
    return { status, headers, body: bytes }
  }
  const client: BitbucketClient = { transport, baseUrl: 'https://bb.example.com/bitbucket', token: 'planted-token' }
  return { client, requests }
}
