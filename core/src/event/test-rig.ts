import { newLead } from '../lead/intake.ts'
import type { Lead } from '../lead/lead.ts'
import type { Message } from '../message/message.ts'
import type { Hint } from '../queue/queue.ts'
import { createIds, type Fields, type Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { messageFixture } from '../testing/message-fixture.ts'
import type { Webhook } from '../webhook/webhook.ts'
import type { AuditEntry } from '../workspace/workspace.ts'
import type { Delivery } from './store.ts'

/** A clock that only moves when it is told to, and runs what was put off on its way. */
export function createTestRuntime(start = '2026-11-22T10:00:00.000Z') {
  let nowMs = Date.parse(start)
  const timers = new Set<{ atMs: number; run: () => void }>()
  const lines: { level: string; fields: Fields; message: string }[] = []
  const write = (level: string) => (fields: Fields, message: string) => void lines.push({ level, fields, message })
  const runtime: Runtime = {
    now: () => new Date(nowMs),
    id: createIds(() => nowMs),
    random: () => 0,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
  }
  /** Moves on, running timers in order, each followed by a turn of the event loop. */
  async function advance(ms: number): Promise<void> {
    const untilMs = nowMs + ms
    for (;;) {
      const next = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (!next) break
      timers.delete(next)
      nowMs = Math.max(nowMs, next.atMs)
      next.run()
      await new Promise(setImmediate)
    }
    nowMs = untilMs
  }
  return { runtime, advance, lines }
}

type Doc = { id: string; workspaceId: string; version: number }

function table<T extends Doc>() {
  const rows = new Map<string, T>()
  const at = (workspaceId: string, id: string) => `${workspaceId}/${id}`
  return {
    rows,
    get: async (workspaceId: string, id: string) => rows.get(at(workspaceId, id)) ?? null,
    async insert(doc: T) {
      if (rows.has(at(doc.workspaceId, doc.id))) return false
      rows.set(at(doc.workspaceId, doc.id), doc)
      return true
    },
    async commit(doc: T) {
      if (rows.get(at(doc.workspaceId, doc.id))?.version !== doc.version) return false
      rows.set(at(doc.workspaceId, doc.id), { ...doc, version: doc.version + 1 })
      return true
    },
    remove: async (workspaceId: string, id: string) => rows.delete(at(workspaceId, id)),
  }
}

function outboxOf<T extends Doc & { outbox: readonly unknown[] }>({ rows }: { rows: Map<string, T> }) {
  return {
    async relayed({ workspaceId, id, version }: { workspaceId: string; id: string; version: number }) {
      const doc = rows.get(`${workspaceId}/${id}`)
      if (doc?.version === version) rows.set(`${workspaceId}/${id}`, { ...doc, outbox: [] })
    },
    async unrelayed(_before: Date, limit: number) {
      return [...rows.values()].filter(({ outbox }) => outbox.length > 0).slice(0, limit)
    },
  }
}

const unused = async (): Promise<never> => {
  throw new Error('not part of this rig')
}

/** Just the ports that events and webhooks use, in memory; the SQL stores are tried in webhooks-on-sql.test.ts. */
export function createTestStores() {
  const messages = table<Message>()
  const leads = table<Lead>()
  const webhooks = table<Webhook>()
  const deliveries = table<Delivery>()
  const entries: AuditEntry[] = []
  const writes = { webhooks: 0 }
  const none = { relayed: async () => {}, unrelayed: async () => [] }
  const matching = (workspaceId: string, filter: Parameters<Stores['deliveries']['find']>[1]) =>
    [...deliveries.rows.values()].filter(
      (each) =>
        each.workspaceId === workspaceId &&
        each.consumer === filter.consumer &&
        (!filter.status || each.status === filter.status) &&
        (!filter.events || filter.events.includes(each.event)) &&
        (!filter.since || each.createdAt >= filter.since) &&
        (!filter.until || each.createdAt <= filter.until),
    )
  const stores = {
    messages: { ...messages, ...outboxOf(messages) },
    leads: { ...leads, ...outboxOf(leads) },
    lines: { get: unused, ...none },
    workspaces: { get: unused, ...none },
    webhooks: {
      ...webhooks,
      ...outboxOf(webhooks),
      async commit(webhook: Webhook) {
        writes.webhooks++
        return webhooks.commit(webhook)
      },
      list: async (workspaceId: string) => [...webhooks.rows.values()].filter((each) => each.workspaceId === workspaceId),
    },
    deliveries: {
      ...deliveries,
      async insert(many: readonly Delivery[]) {
        const inserted: string[] = []
        for (const one of many) if (await deliveries.insert(one)) inserted.push(one.id)
        return inserted
      },
      async claim(workspaceId: string, id: string, now: Date, leaseUntil: Date) {
        const found = deliveries.rows.get(`${workspaceId}/${id}`)
        if (found?.status !== 'pending' || !found.dueAt || found.dueAt > now) return null
        const claimed = { ...found, dueAt: leaseUntil, version: found.version + 1 }
        deliveries.rows.set(`${workspaceId}/${id}`, claimed)
        return claimed
      },
      async find(workspaceId: string, filter: Parameters<Stores['deliveries']['find']>[1], page: { limit: number }) {
        return { deliveries: matching(workspaceId, filter).reverse().slice(0, page.limit), nextCursor: null }
      },
      async reopen(workspaceId: string, filter: Parameters<Stores['deliveries']['find']>[1], now: Date, limit: number) {
        const found = matching(workspaceId, filter)
          .filter(({ status }) => status !== 'pending')
          .slice(0, limit)
        for (const one of found) deliveries.rows.set(`${workspaceId}/${one.id}`, { ...one, status: 'pending', dueAt: now, version: one.version + 1 })
        return found.map(({ id }) => id)
      },
    },
    audit: {
      async record(entry: AuditEntry) {
        entries.push(entry)
      },
    },
  }
  return { stores: stores as unknown as Stores, rows: { messages, leads, webhooks, deliveries }, audit: entries, writes }
}

/** A queue whose hints run when the test says so. */
export function createTestQueue() {
  let hints: Hint[] = []
  let isDown = false
  return {
    queue: {
      async add(more: readonly Hint[]) {
        if (isDown) throw new Error('the queue is away')
        hints.push(...more)
      },
    },
    waiting: () => hints,
    breakDown() {
      isDown = true
    },
    /** Takes those that are due. */
    take(now: Date): Hint[] {
      const due = hints.filter(({ at }) => !at || at <= now)
      hints = hints.filter((hint) => !due.includes(hint))
      return due
    },
  }
}

/** A message with an event in its outbox, as it is after a commit. */
/** A message that was just sent, its event still in the outbox. */
export function sampleMessage(change: Partial<Message> = {}): Message {
  const at = new Date('2026-11-22T09:59:00.000Z')
  return messageFixture({
    id: 'msg_00000000000000000000000001',
    version: 3,
    seq: 1,
    outbox: [{ id: 'evt_00000000000000000000000001', type: 'message.sent', seq: 1, at, data: {} }],
    message: 'Hello 👋',
    status: 'sent',
    fromLineId: 'line_1',
    addresses: [],
    address: '+15005550001',
    leadId: null,
    sendAt: at,
    sentAt: at,
    history: [{ status: 'sent', at, why: 'accepted' }],
    dueAt: null,
    createdAt: at,
    updatedAt: at,
    ...change,
  })
}

export function sampleLead(change: Partial<Lead> = {}): Lead {
  const now = new Date('2026-11-22T09:59:00.000Z')
  return { ...newLead({ phone: '+15005550001' }, { id: 'lead_1', workspaceId: 'ws_1', now }), ...change }
}
