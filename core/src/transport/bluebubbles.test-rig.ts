import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRuntime } from '../runtime.ts'
import { silentLog } from '../testing/moved-clock.ts'
import { bluebubbles } from './bluebubbles.ts'
import type { Transport } from './transport.ts'

export const never = new AbortController().signal
export const password = 'hünter2/+ secret'
export const to = '+14155550123'

interface OpenOptions {
  url: string
  method?: 'private-api' | 'apple-script'
  timeoutMs?: number
  allowPrivate?: boolean
  allowPrivateFetch?: boolean
}

export function open({ url, method = 'apple-script', timeoutMs = 5_000, allowPrivate = true, allowPrivateFetch = true }: OpenOptions): Transport {
  return bluebubbles.open({
    runtime: createRuntime(silentLog),
    line: { id: 'line_1', workspaceId: 'ws_1', phone: '+14155550100', email: null, channel: 'imessage', name: 'Mac' },
    settings: { url, password, method },
    timeoutMs,
    allowPrivate,
    allowPrivateFetch,
    inbound: () => {},
  })
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A web server with one answer, for what is not BlueBubbles. */
export async function startWeb(answer: { status: number; headers?: Record<string, string>; body?: string | Buffer }) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.url ?? '')
    response.writeHead(answer.status, answer.headers).end(answer.body ?? '')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
