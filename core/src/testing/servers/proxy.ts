import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands before a server that others use too, so that it can be away for one of them. */
export interface Proxy {
  readonly port: number
  /** Cuts what is connected and refuses what comes. */
  halt(): Promise<void>
  /** Keeps what is connected and takes what comes, but lets nothing through: a server that hangs. */
  stall(): void
  resume(): Promise<void>
  close(): Promise<void>
}

export async function startProxy(target: { host: string; port: number }): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let stalled = false

  const accept = (client: Socket) => {
    const upstream = connect(target)
    const pair = [client, upstream] as const
    pairs.add(pair)
    for (const [from, to] of [pair, [upstream, client]] as const) {
      from.on('data', (bytes) => to.write(bytes))
      if (stalled) from.pause()
      from.on('error', () => to.destroy())
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
  }
  const listen = async (port: number): Promise<Server> => {
    const server = createServer(accept).listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }

  let server: Server | null = await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The loopback gave no port')
  const { port } = address

  const halt = async () => {
    if (server === null) return
    const closing = once(server.close(), 'close')
    server = null
    for (const sockets of pairs) for (const socket of sockets) socket.destroy()
    await closing
  }
  return {
    port,
    halt,
    stall() {
      stalled = true
      for (const sockets of pairs) for (const socket of sockets) socket.pause()
    },
    async resume() {
      stalled = false
      for (const sockets of pairs) for (const socket of sockets) socket.resume()
      server ??= await listen(port)
    },
    close: halt,
  }
}
