import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  headers: IncomingHttpHeaders
  body: string
  at: number
}

export interface Receiver {
  readonly url: string
  readonly received: readonly Received[]
  /** Resolves when what came so far will do. */
  until(will: (received: readonly Received[]) => boolean, patienceMs?: number): Promise<void>
  /** What it answers from now on. */
  answer(status: number, headers?: Record<string, string>): void
  close(): Promise<void>
}

/** A webhook receiver on loopback that keeps everything it gets. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  let status = 200
  let extra: Record<string, string> = {}
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8'), at: performance.now() })
      response.writeHead(status, extra).end()
      for (const wake of waiting) wake()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    until: (will, patienceMs = 20_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => done(new Error(`not so within ${patienceMs} ms; ${received.length} received`)), patienceMs)
        const look = () => {
          if (will(received)) done(null)
        }
        const done = (error: Error | null) => {
          clearTimeout(timer)
          waiting.delete(look)
          if (error) reject(error)
          else resolve()
        }
        waiting.add(look)
        look()
      }),
    answer(next, headers = {}) {
      status = next
      extra = headers
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
