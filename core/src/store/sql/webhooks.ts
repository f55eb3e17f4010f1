import type { WebhookStore } from '../../webhook/store.ts'
import type { Webhook } from '../../webhook/webhook.ts'
import { aggregateRead, createAggregateReader, toAggregateRow } from './aggregate.ts'
import { createCollection } from './collection.ts'
import { key } from './columns.ts'
import { createOutboxes } from './outboxes.ts'
import { createLookup, type Sql } from './sql.ts'

const dates = ['secrets[].validUntil', 'failingSince', 'lastSuccessAt', 'lastFailureAt', 'disabledAt', 'createdAt', 'updatedAt']

export function createWebhookStore(sql: Sql): WebhookStore {
  const fromRow = createAggregateReader<Webhook>(dates)
  const listed = createLookup<{ workspace_id: 'text' }, { id: string; created_at: number; version: number; outbox: string | null; doc: string }>(
    sql,
    { workspace_id: 'text' },
    (v) => `select v.n, t.id, t.created_at, t.version, t.outbox, t.doc from ${v} cross join webhooks t where t.workspace_id = v.workspace_id`,
  )
  return {
    ...createCollection<'webhooks', Webhook>({ sql, table: 'webhooks', toRow: toAggregateRow, fromRow, read: aggregateRead }),
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
