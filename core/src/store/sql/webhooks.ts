import type { WebhookStore } from '../../webhook/store.ts'
import type { Webhook } from '../../webhook/webhook.ts'
import { aggregateRead, createAggregateCodec } from './aggregate.ts'
import { createCollection } from './collection.ts'
import { key } from './columns.ts'
import { createOutboxes } from './outboxes.ts'
import { createLookup, remembering, type Sql } from './sql.ts'

const codec = createAggregateCodec<Webhook>({
  dates: {
    'secrets[].validUntil': true,
    failingSince: true,
    lastSuccessAt: true,
    lastFailureAt: true,
    disabledAt: true,
    createdAt: true,
    updatedAt: true,
  },
  blank: { name: null, description: null, failingSince: null, lastSuccessAt: null, lastFailureAt: null, disabledAt: null, disabledReason: null },
})

export function createWebhookStore(sql: Sql): WebhookStore {
  const { toRow } = codec
  const fromRow = remembering(codec.fromRow)
  const listed = createLookup<{ workspace_id: 'text' }, { id: string; created_at: number; version: number; outbox: string | null; doc: string }>(
    sql,
    { workspace_id: 'text' },
    (v) => `select v.n, t.id, t.created_at, t.version, t.outbox, t.doc from ${v} cross join webhooks t where t.workspace_id = v.workspace_id`,
  )
  return {
    ...createCollection<'webhooks', Webhook>({ sql, table: 'webhooks', toRow, fromRow, read: aggregateRead }),
    ...createOutboxes(sql, 'webhooks'),

    async list(workspaceId) {
      const rows = await listed([{ workspace_id: workspaceId }])
      return rows.sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1)).map(fromRow)
    },

    async remove(workspaceId, id) {
      const removed = await sql.db.deleteFrom('webhooks').where('workspace_id', '=', key(workspaceId)).where('id', '=', key(id)).executeTakeFirst()
      return removed.numDeletedRows > 0n
    },
  }
}
