import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Cut {
  /** Which way the bytes are counted. */
  readonly direction: 'request' | 'answer'
  /** How many get through before it happens. */
  readonly afterBytes: number
  /** `reset`: RST to both; `stall`: nothing more, and the connection stays; `end`: a tidy FIN to the client. */
  readonly how: 'reset' | 'stall' | 'end'
}

export interface CuttingProxy {
  readonly port: number
  /** For the connections that come; null: everything goes through. */
  cut(next: Cut | null): void
  /** Resolves when a cut happened. */
  nextCut(): Promise<void>
  close(): Promise<void>
}

/** Stands before a server and breaks its connections at a byte (hardening.md F6). */
export async function startCuttingProxy({ port: target }: { port: number }): Promise<CuttingProxy> {
  let cut: Cut | null = null
  const sockets = new Set<Socket>()
  const waiting: (() => void)[] = []

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    const mine = cut
    let over = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }

    function breakOff(how: Cut['how']): void {
      over = true
      if (how === 'end') client.end()
      if (how === 'reset') {
        client.resetAndDestroy()
        upstream.resetAndDestroy()
      }
      for (const happened of waiting.splice(0)) happened()
    }

    function forward(from: Socket, to: Socket, direction: Cut['direction']): void {
      let left = mine?.direction === direction ? mine.afterBytes : Number.POSITIVE_INFINITY
      from.on('data', (chunk: Buffer) => {
        if (over) return
        if (mine !== null && chunk.length > left) {
          const how = mine.how
          over = true
          // What got through must really arrive, or a reset would take it back.
          to.write(chunk.subarray(0, left), () => breakOff(how))
          return
        }
        left -= chunk.length
        to.write(chunk)
      })
      from.on('end', () => {
        if (!over) to.end()
      })
    }

    forward(client, upstream, 'request')
    forward(upstream, client, 'answer')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    port,
    cut(next) {
      cut = next
    },
    nextCut: () => new Promise((resolve) => waiting.push(resolve)),
    async close() {
      for (const socket of sockets) socket.destroy()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
