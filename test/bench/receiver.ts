import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { obey } from './child.ts'
import { monotonicMs } from './clock.ts'
import type { Arrival } from './exact.ts'

// As a program of the benchmark: a webhook receiver that answers at once, counts by webhook-id and checks a sample of signatures.

const sampleEvery = 20
const arrivals = new Map<string, Arrival>()
let verifier: Webhook | null = null
let posts = 0
let sampled = 0
let badSignatures = 0
let lastAtMs = 0

/** Reading the id out of the text costs a tenth of parsing it, and this process shares two cores with what it measures. */
function subjectOf(body: string, event: string): string {
  const field = event.startsWith('lead.') ? '"leadId":"' : '"messageId":"'
  const from = body.indexOf(field) + field.length
  return from < field.length ? '' : body.slice(from, body.indexOf('"', from))
}

function take(id: string, event: string, body: string, headers: Record<string, string>): void {
  lastAtMs = monotonicMs()
  const known = arrivals.get(id)
  if (known === undefined) arrivals.set(id, { id, event, subject: subjectOf(body, event), times: 1, atMs: lastAtMs })
  else known.times++
  if (posts++ % sampleEvery !== 0) return
  sampled++
  try {
    if (verifier === null) badSignatures++
    else verifier.verify(body, headers)
  } catch {
    badSignatures++
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const given = (name: string) => String(request.headers[name] ?? '')
    const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const
    const headers = Object.fromEntries(names.map((name) => [name, given(name)]))
    take(given('webhook-id'), given('x-tuco-event'), Buffer.concat(chunks).toString('utf8'), headers)
    response.end()
  })
})
server.keepAliveTimeout = 60_000
// Takes every connection and says nothing, ever: the worst of endpoints, because it costs its callers their whole patience.
const dead = createTcpServer((socket) => socket.on('error', () => socket.destroy()).resume())

const commands = {
  async open() {
    server.listen(0, '127.0.0.1')
    dead.listen(0, '127.0.0.1')
    await Promise.all([once(server, 'listening'), once(dead, 'listening')])
    const port = (of: { address(): unknown }) => (of.address() as AddressInfo).port
    return { url: `http://127.0.0.1:${port(server)}/hook`, deadUrl: `http://127.0.0.1:${port(dead)}/hook` }
  },
  /** From now on signatures are checked against this secret, with the library that receivers use. */
  trust(secret: string) {
    verifier = new Webhook(secret)
  },
  reset() {
    arrivals.clear()
    posts = 0
    sampled = 0
    badSignatures = 0
  },
  count: () => ({ distinct: arrivals.size, posts, lastAtMs }),
  arrivals: (): Arrival[] => [...arrivals.values()],
  signatures: () => ({ sampled, bad: badSignatures }),
}
export type ReceiverCommands = typeof commands

obey(commands)
