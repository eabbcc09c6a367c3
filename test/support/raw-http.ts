import { connect } from 'node:net'

/**
 * Sends the bytes as they are and gives all that comes back until the server closes, or nothing came for a while: five
 * seconds for the first byte, since the machine may be busy, then 0.4; or `quietMs`, where a test gives it, for both.
 */
export async function sendRaw(
  port: number,
  bytes: string | Buffer | readonly (string | Buffer)[],
  quietMs?: number,
): Promise<string> {
  const parts = Array.isArray(bytes) ? (bytes as readonly (string | Buffer)[]) : [bytes as string | Buffer]
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1')
    const finish = () => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(quietMs ?? 5_000, finish)
    socket.on('data', (chunk) => {
      socket.setTimeout(quietMs ?? 400)
      answer += chunk.toString('latin1')
    })
    socket.on('error', finish)
    socket.on('close', finish)
    socket.on('connect', () => {
      for (const part of parts) socket.write(part)
    })
  })
}

/** The status codes of the answers in it, in order. */
export function statusesOf(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
}
