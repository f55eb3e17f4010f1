import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Receiver {
  readonly port: number
  readonly url: string
  readonly received: Received[]
  /** Resolves when that many posts have come. */
  count(total: number): Promise<void>
  close(): Promise<void>
}

/** A real HTTP server on a free loopback port that keeps what it gets. */
export async function startReceiver(answer: (request: Received, response: ServerResponse) => void): Promise<Receiver> {
  const received: Received[] = []
  const waiting: { total: number; resolve: () => void }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') }
      received.push(one)
      answer(one, response)
      for (const wait of waiting) if (received.length >= wait.total) wait.resolve()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/hook`,
    received,
    count(total) {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (received.length >= total) resolve()
      else waiting.push({ total, resolve })
      return promise
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
