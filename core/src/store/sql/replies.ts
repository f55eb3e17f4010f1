import type { Kysely } from 'kysely'
import type { Reply } from '../../conversation/reply.ts'
import type { ReplyStore } from '../../conversation/store.ts'
import { createReader } from './codec.ts'
import { createGet } from './collection.ts'
import { createGuard, key } from './columns.ts'
import { cutPage, readCursor } from './cursor.ts'
import { type Database, schema } from './schema.ts'
import type { Sql } from './sql.ts'

type ReplyRow = Database['replies']
const guard = createGuard(schema.replies)
const readDoc = createReader<Omit<Reply, 'version'>>({ at: true, createdAt: true })

function toRow(reply: Reply, contentKey: string): ReplyRow {
  return guard({
    workspace_id: reply.workspaceId,
    id: reply.id,
    created_at: reply.createdAt.getTime(),
    version: reply.version,
    sender: reply.from,
    line_id: reply.lineId,
    lead_id: reply.leadId,
    campaign_id: reply.campaignId,
    message_id: reply.messageId,
    vendor_key: reply.externalId === null ? null : JSON.stringify([reply.lineId, reply.externalId]),
    content_key: contentKey,
    at: reply.at.getTime(),
    unannounced_at: reply.announced ? null : reply.createdAt.getTime(),
    doc: JSON.stringify({ ...reply, version: undefined }),
  })
}

const fromRow = (row: Pick<ReplyRow, 'version' | 'doc'>): Reply => ({ ...readDoc(row.doc), version: row.version })

/** The reply that is there already: the same by vendor id, or by content near in time. */
async function twinOf(on: Kysely<Database>, row: ReplyRow, withinMs: number): Promise<Reply | null> {
  const of = on.selectFrom('replies').select(['version', 'doc']).where('workspace_id', '=', row.workspace_id)
  const { vendor_key: vendorKey, content_key: contentKey, at } = row
  const byVendor = vendorKey === null ? undefined : await of.where('vendor_key', '=', vendorKey).executeTakeFirst()
  const near = of
    .where('content_key', '=', contentKey)
    .where('at', '>=', at - withinMs)
    .where('at', '<=', at + withinMs)
  const twin = byVendor ?? (await near.orderBy('at').limit(1).executeTakeFirst())
  return twin ? fromRow(twin) : null
}

export function createReplyStore(sql: Sql): ReplyStore {
  const { db, dialect } = sql
  const get = createGet<'replies', Reply>({ sql, table: 'replies', fromRow, read: ['version', 'doc'] })

  return {
    async insert(reply, { contentKey, withinMs }) {
      const row = toRow(reply, contentKey)
      for (;;) {
        const outcome = await db.transaction().execute(async (trx) => {
          // "Near in time" is nothing a unique index can say: who writes the same content goes one after the other.
          await dialect.lock(trx, JSON.stringify(['reply', row.workspace_id, row.content_key]))
          const twin = await twinOf(trx, row, withinMs)
          if (twin !== null) return { inserted: false, existing: twin } as const
          const inserted = await trx
            .insertInto('replies')
            .values(row)
            .onConflict((conflict) => conflict.doNothing())
            .executeTakeFirst()
          if (inserted.numInsertedOrUpdatedRows === 1n) return { inserted: true } as const
          const same = await trx
            .selectFrom('replies')
            .select(['version', 'doc'])
            .where('workspace_id', '=', row.workspace_id)
            .where('id', '=', row.id)
            .executeTakeFirst()
          return same ? ({ inserted: false, existing: fromRow(same) } as const) : null
        })
        // Null: another text with the same vendor id was written between looking and inserting. Now it can be seen.
        if (outcome !== null) return outcome
      }
    },

    get: async (workspaceId, id) => (await get(workspaceId, [id]))[0] ?? null,

    async commit(reply) {
      // The content key is of the message as it came in: nothing that is found out later changes it.
      const { workspace_id, id, created_at, version, content_key, ...changed } = toRow(reply, '')
      const updated = await db
        .updateTable('replies')
        .set({ ...changed, version: version + 1 })
        .where('workspace_id', '=', workspace_id)
        .where('id', '=', id)
        .where('version', '=', version)
        .executeTakeFirst()
      return updated.numUpdatedRows > 0n
    },

    async find(workspaceId, filter, page) {
      const after = readCursor(page.cursor)
      let query = db.selectFrom('replies').select(['id', 'created_at', 'version', 'doc']).where('workspace_id', '=', key(workspaceId))
      if (filter.leadId !== undefined) query = query.where('lead_id', '=', key(filter.leadId))
      if (filter.lineId !== undefined) query = query.where('line_id', '=', key(filter.lineId))
      if (filter.campaignId !== undefined) query = query.where('campaign_id', '=', key(filter.campaignId))
      if (filter.messageId !== undefined) query = query.where('message_id', '=', key(filter.messageId))
      if (filter.since !== undefined) query = query.where('created_at', '>=', filter.since.getTime())
      if (after) query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at', 'id'), '<', tuple(after.createdAt, key(after.id))))
      const found = await query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit + 1)
        .execute()
      const { rows, nextCursor } = cutPage(found, page.limit)
      return { replies: rows.map(fromRow), nextCursor }
    },

    async latestFrom(workspaceId, address) {
      const row = await db
        .selectFrom('replies')
        .select('at')
        .where('workspace_id', '=', key(workspaceId))
        .where('sender', '=', key(address))
        .orderBy('at', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row ? new Date(row.at) : null
    },

    async unannounced(before, limit) {
      const rows = await db
        .selectFrom('replies')
        .select(['workspace_id', 'id'])
        .where('unannounced_at', '<', before.getTime())
        .orderBy('unannounced_at')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map((row) => ({ workspaceId: row.workspace_id, id: row.id }))
    },

    async removeForLead(workspaceId, leadId, addresses) {
      const mine = db.deleteFrom('replies').where('workspace_id', '=', key(workspaceId))
      await mine.where('lead_id', '=', key(leadId)).execute()
      if (addresses.length > 0) await mine.where('sender', 'in', addresses.map(key)).where('lead_id', 'is', null).execute()
    },
  }
}
