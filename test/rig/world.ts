import type { deliveryView, leadView, messageView } from '@trunkline/core'
import { type Call, client, eventually, type HubProcess, startHub, tempDir } from './hub.ts'
import type { Receiver } from './receiver.ts'

export type MessageView = ReturnType<typeof messageView>
export type LeadView = ReturnType<typeof leadView>
export type DeliveryView = ReturnType<typeof deliveryView>

/** What the API shows of a line, as far as these tests look. */
export interface LineView {
  id: string
  hookUrl: string
  timezone: string
  health: { status: 'healthy' | 'degraded' | 'unhealthy'; lastCheckedAt: string | null; reasons: string[] }
  usage: { date: string; newConversationsCount: number; totalMessagesCount: number; availabilityChecksCount: number }
  remaining: { newConversations: number; totalMessages: number; availabilityChecks: number }
}

/** The body of one webhook. */
export interface EventView {
  event: string
  id: string
  seq: number
  timestamp: string
  workspaceId: string
  messageId: string | null
  message: MessageView | null
  leadId: string | null
  lead: LeadView | null
  metadata: Record<string, unknown> | null
  data: Record<string, unknown>
  reason?: string | null
  checkedAddresses?: { address: string; available: boolean | null }[]
}

/** One workspace, seen with its admin key. */
export interface Tenant {
  readonly call: Call
  /** Accepts a message or fails with what was said instead. */
  send(body: Record<string, unknown>): Promise<MessageView>
  message(id: string): Promise<MessageView>
  /** The message, when it is as wanted. */
  until(id: string, will: (message: MessageView) => boolean, patienceMs?: number): Promise<MessageView>
  addLine(body: Record<string, unknown>): Promise<LineView>
  line(id: string): Promise<LineView>
  addLead(body: Record<string, unknown>): Promise<LeadView>
  lead(id: string): Promise<LeadView>
  addWebhook(receiver: Pick<Receiver, 'url'>, events?: readonly string[]): Promise<{ id: string; secret: string }>
}

export interface World extends Tenant {
  readonly hub: HubProcess
  /** A workspace of its own: no line, no lead. */
  tenant(name: string): Promise<Tenant & { id: string; key: string }>
  close(): Promise<void>
}

/** A hub of its own with a fresh data directory; webhooks may go to loopback unless `env` says otherwise. */
export async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const dir = tempDir()
  const hub = await startHub({ DATA_DIR: dir.path, ALLOW_PRIVATE_ADDRESSES: 'true', ...env })
  const admin = tenantOf(client(hub.url))
  return {
    ...admin,
    hub,
    async tenant(name) {
      const { workspace, apiKey } = await made<{ workspace: { id: string }; apiKey: string }>(admin.call, '/api/workspaces', { name })
      return { ...tenantOf(client(hub.url, apiKey)), id: workspace.id, key: apiKey }
    },
    async close() {
      await hub.stop()
      dir.remove()
    },
  }
}

function tenantOf(call: Call): Tenant {
  const message = async (id: string) => (await read<{ message: MessageView }>(call, `/api/messages/${id}`)).message
  return {
    call,
    message,
    send: async (body) => (await made<{ message: MessageView }>(call, '/api/messages', { message: 'Hello', ...body })).message,
    until: (id, will, patienceMs) => eventually(() => message(id), will, patienceMs),
    addLine: (body) => made<LineView>(call, '/api/lines', body),
    line: (id) => read<LineView>(call, `/api/lines/${id}`),
    async addLead(body) {
      const { leads } = await made<{ leads: LeadView[] }>(call, '/api/leads', body)
      if (leads[0] === undefined) throw new Error('the lead was not saved')
      return leads[0]
    },
    lead: (id) => read<LeadView>(call, `/api/leads/${id}`),
    addWebhook: (receiver, events = ['*']) => made(call, '/api/webhooks', { url: receiver.url, events: [...events] }),
  }
}

async function made<T>(call: Call, path: string, body: Record<string, unknown>): Promise<T> {
  const answer = await call<T>('POST', path, body)
  if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

async function read<T>(call: Call, path: string): Promise<T> {
  const answer = await call<T>('GET', path)
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** The bodies a receiver got, in the order they came. */
export function events(receiver: Receiver): EventView[] {
  return receiver.received.map(({ body }) => JSON.parse(body) as EventView)
}

/** The types of what a receiver was told about one message, by `seq`. */
export function toldOf(receiver: Receiver, messageId: string): string[] {
  return events(receiver)
    .filter((event) => event.messageId === messageId)
    .sort((a, b) => a.seq - b.seq)
    .map((event) => event.event)
}

export function statusIs(...wanted: readonly MessageView['status'][]): (message: MessageView) => boolean {
  return (message) => wanted.includes(message.status)
}

export function holdIs(...wanted: readonly string[]): (message: MessageView) => boolean {
  return (message) => message.hold !== null && wanted.includes(message.hold.reason)
}
