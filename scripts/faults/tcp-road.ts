import { connect, createServer, type Socket } from 'node:net'

/** The network between a server and its database: leads to another machine, or swallows what is sent. */
export interface TcpRoad {
  readonly port: number
  /** New connections go there from now on. */
  leadTo(port: number): void
  /** Connections that are open now stay open and carry nothing any more, as behind a firewall that forgot them. */
  swallow(): void
  /** Resets every connection. */
  cut(): void
  close(): Promise<void>
}

/** Opens a road to a port of this machine. */
export async function openRoad(target: number): Promise<TcpRoad> {
  let port = target
  const pairs = new Set<readonly [Socket, Socket]>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    near.pipe(far)
    far.pipe(near)
    for (const socket of pair) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        near.destroy()
        far.destroy()
        pairs.delete(pair)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  const cut = () => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }
  return {
    port: address.port,
    leadTo: (next) => {
      port = next
    },
    swallow: () => {
      for (const [near, far] of pairs) {
        near.unpipe(far)
        far.unpipe(near)
        near.resume()
        far.resume()
      }
    },
    cut,
    close: async () => {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
