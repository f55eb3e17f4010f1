import { handedAt } from '../../message/handed.ts'
import type { Message } from '../../message/message.ts'
import type { MessageStore } from '../../message/store.ts'
import { aggregateRead, createAggregateCodec } from './aggregate.ts'
import { createCollection } from './collection.ts'
import { type Columns, key, ms } from './columns.ts'
import { cutPage, readCursor } from './cursor.ts'
import { createOutboxes } from './outboxes.ts'
import { createParkedReceipts } from './parked-receipts.ts'
import type { Database } from './schema.ts'
import { createLookup, type Sql } from './sql.ts'

const codec = createAggregateCodec<Message>({
  dates: {
    'hold.until': true,
    'checkedAddresses[].checkedAt': true,
    scheduledDate: true,
    sendAt: true,
    sentAt: true,
    deliveredAt: true,
    readAt: true,
    failedAt: true,
    'history[].at': true,
    'attempt.at': true,
    dueAt: true,
    createdAt: true,
    updatedAt: true,
  },
  blank: {
    subject: null,
    hold: null,
    failure: null,
    reason: null,
    fromLineId: null,
    recipientPhone: null,
    recipientEmail: null,
    recipientName: null,
    address: null,
    leadId: null,
    campaignId: null,
    stepIndex: null,
    batchId: null,
    scheduledDate: null,
    window: null,
    sendAt: null,
    sentAt: null,
    deliveredAt: null,
    readAt: null,
    failedAt: null,
    externalMessageId: null,
    fallback: null,
    fallbackOf: null,
    sendFallbackSmsOnFailed: null,
    metadata: null,
    ghlContactId: null,
    ghlLocationId: null,
    hsContactId: null,
    hsPortalId: null,
    contactOwnerEmail: null,
    attempt: null,
    reservation: null,
    dueAt: null,
    correlationId: null,
  },
})

const openOf: Partial<Record<Message['status'], number>> = { queued: 1, pending: 1, sending: 2 }

function toRow(message: Message): Database['messages'] {
  return {
    ...codec.toRow(message),
    status: message.status,
    open: openOf[message.status] ?? null,
    due_at: ms(message.dueAt),
    priority: message.priority === 'high' ? 0 : 1,
    line_id: message.fromLineId,
    lead_id: message.leadId,
    campaign_id: message.campaignId,
    batch_id: message.batchId,
    address: message.address,
    recipient_phone: message.recipientPhone,
    recipient_email: message.recipientEmail,
    external_id: message.externalMessageId,
    attempt_id: message.attempt?.id ?? null,
    handed_at: ms(handedAt(message)),
    slot_at: message.status === 'pending' && message.priority === 'normal' ? ms(message.sendAt) : null,
  }
}

const touch = { workspace_id: 'text', line_id: 'text', address: 'text' } as const satisfies Columns

/** Who a message is for and what it belongs to is settled when it is accepted. */
const fixed = ['lead_id', 'campaign_id', 'batch_id', 'recipient_phone', 'recipient_email', 'priority'] as const

export function createMessageStore(sql: Sql): MessageStore {
  const { db } = sql
  const { fromRow } = codec
  const collection = createCollection<'messages', Message>({ sql, table: 'messages', toRow, fromRow, read: aggregateRead, fixed })
  const touched = createLookup<typeof touch, { n: number }>(
    sql,
    touch,
    (v) =>
      `select v.n from ${v} where exists (select 1 from messages m where m.workspace_id = v.workspace_id and m.address = v.address
         and m.handed_at is not null and m.line_id = v.line_id)`,
  )
  const of = (workspaceId: string) => db.selectFrom('messages').select(aggregateRead).where('workspace_id', '=', key(workspaceId))
  const idsWith = (workspaceId: string, column: 'address' | 'recipient_phone' | 'recipient_email', address: string) =>
    db.selectFrom('messages').select('id').where('workspace_id', '=', key(workspaceId)).where('open', '=', 1).where(column, '=', key(address))

  return {
    ...collection,
    ...createOutboxes(sql, 'messages'),
    ...createParkedReceipts(sql),

    async find(workspaceId, filter, page) {
      const after = readCursor(page.cursor)
      let query = of(workspaceId).select(['id', 'created_at'])
      if (filter.status !== undefined) query = query.where('status', '=', filter.status)
      if (filter.lineId !== undefined) query = query.where('line_id', '=', key(filter.lineId))
      if (filter.leadId !== undefined) query = query.where('lead_id', '=', key(filter.leadId))
      if (filter.campaignId !== undefined) query = query.where('campaign_id', '=', key(filter.campaignId))
      if (filter.batchId !== undefined) query = query.where('batch_id', '=', key(filter.batchId))
      if (filter.since !== undefined) query = query.where('created_at', '>=', filter.since.getTime())
      if (after) query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at', 'id'), '<', tuple(after.createdAt, key(after.id))))
      const found = await query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit + 1)
        .execute()
      const { rows, nextCursor } = cutPage(found, page.limit)
      return { messages: rows.map(fromRow), nextCursor }
    },

    async due(before, limit) {
      const rows = await db
        .selectFrom('messages')
        .select(['workspace_id', 'id', 'due_at', 'version'])
        .where('due_at', '<=', before.getTime())
        .orderBy('due_at')
        .orderBy('priority')
        .orderBy('id')
        .limit(limit)
        .$narrowType<{ due_at: number }>()
        .execute()
      return rows.map((row) => ({ workspaceId: row.workspace_id, id: row.id, dueAt: new Date(row.due_at), version: row.version }))
    },

    async backlog(now) {
      const { count, oldest } = await db
        .selectFrom('messages')
        .select(({ fn }) => [fn.countAll<number>().as('count'), fn.min<number | null>('due_at').as('oldest')])
        .where('due_at', '<=', now.getTime())
        .executeTakeFirstOrThrow()
      return { count, oldestDueAt: oldest === null ? null : new Date(oldest) }
    },

    async byExternalId(workspaceId, lineId, externalId) {
      let query = of(workspaceId).where('external_id', '=', key(externalId))
      if (lineId !== null) query = query.where('line_id', '=', key(lineId))
      const row = await query.orderBy('created_at', 'desc').limit(1).executeTakeFirst()
      return row ? fromRow(row) : null
    },

    async byAttempt(workspaceId, attemptId) {
      const row = await of(workspaceId).where('attempt_id', '=', key(attemptId)).limit(1).executeTakeFirst()
      return row ? fromRow(row) : null
    },

    async latestTo(workspaceId, address, lineId) {
      let query = of(workspaceId).where('address', '=', key(address)).where('handed_at', 'is not', null)
      if (lineId !== undefined) query = query.where('line_id', '=', key(lineId))
      const row = await query.orderBy('handed_at', 'desc').orderBy('id', 'desc').limit(1).executeTakeFirst()
      return row ? fromRow(row) : null
    },

    async lineOfLead(workspaceId, leadId) {
      const row = await db
        .selectFrom('messages')
        .select('line_id')
        .where('workspace_id', '=', key(workspaceId))
        .where('lead_id', '=', key(leadId))
        .where('handed_at', 'is not', null)
        .where('line_id', 'is not', null)
        .orderBy('handed_at', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.line_id ?? null
    },

    touched: async (workspaceId, lineId, address) => (await touched([{ workspace_id: workspaceId, line_id: lineId, address }])).length > 0,

    async locate(who) {
      const query = db.selectFrom('messages').select(['workspace_id', 'id'])
      const found = 'id' in who ? query.where('id', '=', key(who.id)) : query.where('external_id', '=', key(who.externalId))
      const row = await found.orderBy('created_at', 'desc').limit(1).executeTakeFirst()
      return row ? { workspaceId: row.workspace_id, id: row.id } : null
    },

    async pendingOfLine(workspaceId, lineId, after, limit) {
      const query = of(workspaceId).where('line_id', '=', key(lineId)).where('slot_at', '>', after.getTime())
      return (await query.orderBy('slot_at').orderBy('id').limit(limit).execute()).map(fromRow)
    },

    async open(workspaceId, recipient, limit) {
      const waiting = db.selectFrom('messages').select(aggregateRead).where('open', '=', 1)
      // By address the outer query names no workspace: the inner ones do, and SQLite would walk all of it instead of these few ids.
      const query =
        'leadId' in recipient
          ? waiting.where('workspace_id', '=', key(workspaceId)).where('lead_id', '=', key(recipient.leadId))
          : waiting.where('id', 'in', () =>
              idsWith(workspaceId, 'address', recipient.address)
                .union(idsWith(workspaceId, 'recipient_phone', recipient.address))
                .union(idsWith(workspaceId, 'recipient_email', recipient.address)),
            )
      const rows = await query.orderBy('created_at').orderBy('id').limit(limit).execute()
      return rows.map(fromRow)
    },

    async sendingTo(workspaceId, addresses) {
      if (addresses.length === 0) return []
      const rows = await db
        .selectFrom('messages')
        .select('id')
        .where('workspace_id', '=', key(workspaceId))
        .where('address', 'in', addresses.map(key))
        .where('open', '=', 2)
        .execute()
      return rows.map((row) => row.id)
    },

    async openOfLine(workspaceId, lineId, limit) {
      const rows = await of(workspaceId).where('line_id', '=', key(lineId)).where('open', 'is not', null).orderBy('id').limit(limit).execute()
      return rows.map(fromRow)
    },

    async removeForLead(workspaceId, leadId) {
      const rows = await db
        .deleteFrom('messages')
        .where('workspace_id', '=', key(workspaceId))
        .where('lead_id', '=', key(leadId))
        .returning('id')
        .execute()
      return rows.map((row) => row.id)
    },
  }
}
