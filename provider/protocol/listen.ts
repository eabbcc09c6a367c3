import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { ListenAddress } from './handshake.ts'

export interface Door {
  /** The address as the handshake names it. */
  readonly address: string
  /** Hands over who came already, and everybody after them. */
  open(receive: (socket: Socket) => void): void
}

/** Listens, and lets those who come wait until there is somebody to receive them. */
export async function listen(where: ListenAddress): Promise<Door> {
  const waiting: Socket[] = []
  const take = { next: (socket: Socket): void => void waiting.push(socket) }
  const server = createServer((socket) => take.next(socket))
  const address =
    where.network === 'unix' ? await listenOnSocket(server, where.path) : await listenOnPort(server, where)
  return {
    address,
    open: (receive) => {
      take.next = receive
      for (const socket of waiting.splice(0)) receive(socket)
    },
  }
}

async function listenOnSocket(server: Server, path: string): Promise<string> {
  server.listen(path)
  await once(server, 'listening')
  return path
}

async function listenOnPort(
  server: Server,
  { host, ports }: ListenAddress & { readonly network: 'tcp' },
): Promise<string> {
  for (let port = ports.from; port <= ports.to; port++) {
    server.listen(port, host)
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    const bound = server.address()
    if (isFree && bound && typeof bound === 'object') return `${host}:${bound.port}`
  }
  throw new Error(`No port between ${ports.from} and ${ports.to} is free on ${host}.`)
}
