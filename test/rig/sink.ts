import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface Sink {
  readonly url: string
  connections(): number
  close(): Promise<void>
}

/** A server on loopback that takes every connection and never answers. */
export async function startSink(): Promise<Sink> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer((socket) => {
    count++
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    connections: () => count,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
