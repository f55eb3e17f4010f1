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

export interface World {
  readonly hub: HubProcess
  readonly call: Call
  /** Accepts a message or fails with what was said instead. */
  send(body: Record<string, unknown>, call?: Call): Promise<MessageView>
  message(id: string): Promise<MessageView>
  /** The message, when it is as wanted. */
  until(id: string, will: (message: MessageView) => boolean, patienceMs?: number): Promise<MessageView>
  addLine(body: Record<string, unknown>): Promise<LineView>
  line(id: string): Promise<LineView>
  addWebhook(receiver: Pick<Receiver, 'url'>, events?: readonly string[]): Promise<{ id: string; secret: string }>
  close(): Promise<void>
}

/** A hub of its own with a fresh data directory; webhooks may go to loopback unless `env` says otherwise. */
export async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const dir = tempDir()
  const hub = await startHub({ DATA_DIR: dir.path, ALLOW_PRIVATE_ADDRESSES: 'true', ...env })
  const call = client(hub.url)

  async function made<T>(path: string, body: Record<string, unknown>, as: Call = call): Promise<T> {
    const answer = await as<T>('POST', path, body)
    if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const message = async (id: string) => (await call<{ message: MessageView }>('GET', `/api/messages/${id}`)).body.message

  return {
    hub,
    call,
    message,
    send: async (body, as) => (await made<{ message: MessageView }>('/api/messages', { message: 'Hello', ...body }, as)).message,
    until: (id, will, patienceMs) => eventually(() => message(id), will, patienceMs),
    addLine: (body) => made<LineView>('/api/lines', body),
    line: async (id) => (await call<LineView>('GET', `/api/lines/${id}`)).body,
    addWebhook: (receiver, events = ['*']) => made('/api/webhooks', { url: receiver.url, events: [...events] }),
    async close() {
      await hub.stop()
      dir.remove()
    },
  }
}

/** The bodies a receiver got, in the order they came. */
export function events(receiver: Receiver): EventView[] {
  return receiver.received.map(({ body }) => JSON.parse(body) as EventView)
}

export function statusIs(...wanted: readonly MessageView['status'][]): (message: MessageView) => boolean {
  return (message) => wanted.includes(message.status)
}
