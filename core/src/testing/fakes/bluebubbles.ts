import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { iMessageError, makeSend, type Reply, type Send } from './bluebubbles-send.ts'
import { createFakeState, type LedgerEntry, type Script, scriptShape, serialise } from './bluebubbles-state.ts'

export interface FakeBlueBubbles {
  readonly url: string
  readonly port: number
  readonly password: string
  /** Every send it really made, oldest first. */
  readonly ledger: readonly LedgerEntry[]
  /** Every availability question it was asked, oldest first. `at` in epoch milliseconds. */
  readonly checks: readonly { address: string; at: number }[]
  /** Calls that the real server does not know: a test asserts that there are none. */
  readonly violations: readonly string[]
  script(script: Script): void
  /** Somebody writes to the Mac. Resolves when the webhooks were answered. */
  inbound(message: { from: string; text: string }): Promise<void>
  /** Resolves when the next message really went out, before its call is answered. */
  nextSend(): Promise<LedgerEntry>
  close(): Promise<void>
}

/**
 * A BlueBubbles server 1.9 as far as vendors.md §4.1 tells, strict about what it is asked, with a ledger, and scriptable in the process or by
 * HTTP: `POST /fake/script` (a Script), `POST /fake/inbound` `{ from, text }`, `GET /fake/ledger` → `{ ledger, violations }`.
 */
export async function startFakeBlueBubbles(
  options: { port?: number; password?: string; hookUrl?: string; script?: Script } = {},
): Promise<FakeBlueBubbles> {
  const password = options.password ?? 'fake-password'
  const state = createFakeState()
  if (options.hookUrl !== undefined) state.apply({ hookUrls: [options.hookUrl] })
  if (options.script) state.apply(scriptShape.parse(options.script))
  const stalled = new Set<ServerResponse>()
  const checks: { address: string; at: number }[] = []

  async function post(type: string, data: unknown): Promise<void> {
    const body = JSON.stringify({ type, data })
    // The real one only logs a failed webhook and never repeats it.
    await Promise.allSettled(state.hookUrls.map((url) => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })))
  }

  async function inbound({ from, text }: { from: string; text: string }): Promise<void> {
    await post('new-message', serialise(state.receive(from, text), { withChats: true, withTemp: false }))
  }

  async function fake(request: IncomingMessage, path: string): Promise<unknown> {
    const body = request.method === 'POST' ? JSON.parse((await read(request)).toString()) : null
    if (path === '/fake/ledger') return { ledger: state.ledger, violations: state.violations }
    if (path === '/fake/script') state.apply(scriptShape.parse(body))
    else if (path === '/fake/inbound') await inbound(z.strictObject({ from: z.string(), text: z.string() }).parse(body))
    else throw new Error(`no such control: ${path}`)
    return { ok: true }
  }

  async function route(request: IncomingMessage, url: URL): Promise<Reply> {
    const key = `${request.method} ${url.pathname.replace(/^\/api\/v1/, '')}`
    const body = await read(request)
    const json = (): unknown => JSON.parse(body.toString())
    if (key === 'GET /ping') return { status: 200, message: 'Ping received!', data: 'pong' }
    if (key === 'GET /server/info') {
      return {
        status: 200,
        data: { server_version: '1.9.9', os_version: '15.5', private_api: state.privateApi, helper_connected: state.helperConnected },
      }
    }
    if (key === 'GET /handle/availability/imessage') {
      const address = url.searchParams.get('address')
      if (!address) throw new Violation('availability without an address')
      checks.push({ address, at: Date.now() })
      const rule = state.rule(address)
      if (!(state.privateApi && state.helperConnected)) return iMessageError('iMessage Private API Helper is not connected!')
      if (rule.available === 'error') return iMessageError('Failed to check availability')
      return { status: 200, data: { available: rule.available ?? true } }
    }
    if (key === 'POST /message/text') {
      const asked = textShape.parse(json())
      return makeSend(state, { address: oneToOne(asked.chatGuid), text: asked.message, ...temp(asked), kind: 'text', opensChat: false }, post)
    }
    if (key === 'POST /chat/new') {
      const asked = chatShape.parse(json())
      const [address] = asked.addresses
      return makeSend(state, { address, text: asked.message, ...temp(asked), kind: 'text', opensChat: true }, post)
    }
    if (key === 'POST /message/attachment') {
      const form = await new Response(new Uint8Array(body), { headers: { 'content-type': request.headers['content-type'] ?? '' } }).formData()
      const file = form.get('attachment')
      if (!(file instanceof File) || file.size === 0) throw new Violation('Attachment not provided or was empty!')
      const asked = fileShape.parse(Object.fromEntries([...form].filter(([name]) => name !== 'attachment')))
      const sent = { text: '', kind: 'attachment' as const, name: asked.name, mimeType: file.type, bytes: file.size, opensChat: false }
      return makeSend(state, { address: oneToOne(asked.chatGuid), ...temp(asked), ...sent }, post)
    }
    if (key === 'POST /message/query') {
      const asked = queryShape.parse(json())
      const found = [...state.messages.values()]
        .filter((one) => asked.chatGuid === undefined || asked.chatGuid === `iMessage;-;${one.address}`)
        .filter((one) => one.dateCreated >= (asked.after ?? 0) && one.dateCreated <= (asked.before ?? Number.MAX_SAFE_INTEGER))
        .sort((a, b) => (asked.sort === 'ASC' ? 1 : -1) * (a.dateCreated - b.dateCreated))
        .slice(0, asked.limit ?? 100)
      return {
        status: 200,
        message: 'Successfully fetched messages!',
        data: found.map((one) => serialise(one, { withChats: false, withTemp: false })),
      }
    }
    const guid = /^GET \/message\/([^/]+)$/.exec(key)?.[1]
    if (guid !== undefined) {
      const message = state.messages.get(decodeURIComponent(guid))
      if (!message)
        return { status: 404, message: 'The requested resource was not found', error: { type: 'Database Error', message: 'Message does not exist!' } }
      return { status: 200, data: serialise(message, { withChats: false, withTemp: false }) }
    }
    throw new Violation(`no such call: ${key}`)
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake')
    if (url.pathname.startsWith('/fake/')) return answer(response, 200, await fake(request, url.pathname))
    const given = url.searchParams.get('password') ?? url.searchParams.get('guid') ?? url.searchParams.get('token')
    if (given !== password) {
      await read(request)
      return answer(response, 401, {
        status: 401,
        message: 'You are not authorized',
        error: { type: 'Authentication Error', message: 'Unauthorized' },
      })
    }
    const reply = await route(request, url)
    if (reply === 'reset') return void request.socket.resetAndDestroy()
    if (reply === 'stall') return void stalled.add(response)
    if ('half' in reply) {
      const text = JSON.stringify(reply.half)
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
      response.write(text.slice(0, text.length / 2), () => request.socket.destroy())
      return
    }
    answer(response, reply.status, { message: 'Success', ...reply })
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error instanceof Error ? error.message : error)
      state.violations.push(`${request.method} ${request.url?.split('?')[0]}: ${why}`)
      answer(response, 400, { status: 400, message: "You've made a bad request!", error: { type: 'Validation Error', message: why } })
    })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    password,
    ledger: state.ledger,
    checks,
    violations: state.violations,
    script: (script) => state.apply(scriptShape.parse(script)),
    inbound,
    nextSend: () => new Promise((resolve) => state.onSend.push(resolve)),
    async close() {
      for (const response of stalled) response.destroy()
      server.closeAllConnections()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

class Violation extends Error {}

const method = z.enum(['apple-script', 'private-api']).default('apple-script')
const tempGuid = z.string().min(1).optional()
const privateOnly = { effectId: z.string().optional(), subject: z.string().optional(), attributedBody: z.unknown().optional() }
const needsTemp = (asked: { method: string; tempGuid?: string | undefined }) => asked.method === 'private-api' || asked.tempGuid !== undefined
const textShape = z
  .strictObject({ chatGuid: z.string(), message: z.string().min(1), tempGuid, method, partIndex: z.number().optional(), ...privateOnly })
  .refine(needsTemp, "A 'tempGuid' is required when sending via AppleScript")
const fileShape = z
  .strictObject({ chatGuid: z.string(), tempGuid, name: z.string().min(1), method, isAudioMessage: z.enum(['true', 'false']).optional() })
  .refine(needsTemp, "A 'tempGuid' is required when sending via AppleScript")
const chatShape = z.strictObject({
  addresses: z.tuple([z.string().regex(/^(\+[1-9]\d{5,14}|[^@\s]+@[^@\s]+)$/)]),
  message: z.string().min(1),
  method,
  service: z.enum(['iMessage', 'SMS']).optional(),
  tempGuid,
  ...privateOnly,
})
const queryShape = z.strictObject({
  chatGuid: z.string().optional(),
  after: z.number().min(0).optional(),
  before: z.number().min(1).optional(),
  limit: z.number().int().min(1).max(1000).optional(),
  offset: z.number().int().min(0).optional(),
  sort: z.enum(['ASC', 'DESC']).optional(),
  with: z.array(z.string()).optional(),
})

function temp(asked: { tempGuid?: string | undefined; method: string }): Pick<Send, 'tempGuid' | 'method'> {
  return { tempGuid: asked.tempGuid ?? null, method: asked.method }
}

function oneToOne(chatGuid: string): string {
  const address = /^(?:iMessage|any);-;(\+[1-9]\d{5,14}|[^@\s;]+@[^@\s;]+)$/.exec(chatGuid)?.[1]
  if (address === undefined) throw new Violation(`not a one-to-one chat with an E.164 or email address: ${chatGuid}`)
  return address
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
