import { createHash } from 'node:crypto'
import type { DncEntry, DncStore } from '../../lead/store.ts'
import { createReader } from './codec.ts'
import { key, keyOrNull } from './columns.ts'
import { cutPage, readCursor } from './cursor.ts'
import { createLookup, type Sql } from './sql.ts'

/** Equal for entries that say the same. */
function sameness({ addressHash, phone, email, leadId, channels, source }: DncEntry): string {
  const who = addressHash === null ? [leadId, phone, email] : [addressHash]
  return createHash('sha256')
    .update(JSON.stringify([who, channels === null ? null : [...channels].sort(), source]))
    .digest('hex')
}

const asked = { workspace_id: 'text', address_hash: 'text?', lead_id: 'text?' } as const

export function createDncStore(sql: Sql): DncStore {
  const { db } = sql
  const read = createReader<DncEntry>({ createdAt: true })
  // Two reads, each by its own index; an entry that answers both is there once.
  const matching = createLookup<typeof asked, { id: string; doc: string }>(
    sql,
    asked,
    (v) =>
      `select v.n, t.id, t.doc from ${v} cross join dnc t where t.workspace_id = v.workspace_id and t.address_hash = v.address_hash
       union all
       select v.n, t.id, t.doc from ${v} cross join dnc t where t.workspace_id = v.workspace_id and t.lead_id = v.lead_id`,
  )
  const one = (workspaceId: string, id: string) =>
    db.selectFrom('dnc').select('doc').where('workspace_id', '=', key(workspaceId)).where('id', '=', key(id)).executeTakeFirst()

  return {
    async add(entry) {
      const same = sameness(entry)
      for (;;) {
        const inserted = await db
          .insertInto('dnc')
          .values({
            workspace_id: key(entry.workspaceId),
            id: key(entry.id),
            created_at: entry.createdAt.getTime(),
            address_hash: keyOrNull(entry.addressHash),
            lead_id: keyOrNull(entry.leadId),
            same,
            doc: JSON.stringify(entry),
          })
          .onConflict((conflict) => conflict.columns(['workspace_id', 'same']).doNothing())
          .executeTakeFirst()
        if (inserted.numInsertedOrUpdatedRows === 1n) return entry
        const there = await db
          .selectFrom('dnc')
          .select('doc')
          .where('workspace_id', '=', key(entry.workspaceId))
          .where('same', '=', same)
          .executeTakeFirst()
        if (there) return read(there.doc)
      }
    },

    async get(workspaceId, id) {
      const row = await one(workspaceId, id)
      return row ? read(row.doc) : null
    },

    async find(workspaceId, page) {
      const after = readCursor(page.cursor)
      let query = db.selectFrom('dnc').select(['id', 'created_at', 'doc']).where('workspace_id', '=', key(workspaceId))
      if (after) query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at', 'id'), '<', tuple(after.createdAt, key(after.id))))
      const found = await query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit + 1)
        .execute()
      const { rows, nextCursor } = cutPage(found, page.limit)
      return { entries: rows.map((row) => read(row.doc)), nextCursor }
    },

    async remove(workspaceId, id) {
      const removed = await db.deleteFrom('dnc').where('workspace_id', '=', key(workspaceId)).where('id', '=', key(id)).executeTakeFirst()
      return removed.numDeletedRows > 0n
    },

    async matching(workspaceId, { addressHashes, leadId }) {
      const rows = [...new Set(addressHashes)].map((hash): { workspace_id: string; address_hash: string | null; lead_id: string | null } => {
        return { workspace_id: workspaceId, address_hash: hash, lead_id: null }
      })
      if (leadId !== null) rows.push({ workspace_id: workspaceId, address_hash: null, lead_id: leadId })
      const found = new Map((await matching(rows)).map((row) => [row.id, row.doc]))
      return [...found.values()].map(read)
    },

    async blank(workspaceId, { addressHashes, leadId }) {
      await db.transaction().execute(async (trx) => {
        await trx
          .deleteFrom('dnc')
          .where('workspace_id', '=', key(workspaceId))
          .where('lead_id', '=', key(leadId))
          .where('address_hash', 'is', null)
          .execute()
        for (const hash of addressHashes) {
          const rows = await trx
            .selectFrom('dnc')
            .select(['id', 'doc'])
            .where('workspace_id', '=', key(workspaceId))
            .where('address_hash', '=', key(hash))
            .execute()
          for (const row of rows) {
            const doc = JSON.stringify({ ...read(row.doc), phone: null, email: null, leadId: null })
            await trx.updateTable('dnc').set({ doc, lead_id: null }).where('workspace_id', '=', key(workspaceId)).where('id', '=', row.id).execute()
          }
        }
      })
    },
  }
}
