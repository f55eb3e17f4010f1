import type { Lead } from '../../lead/lead.ts'
import type { LeadStore } from '../../lead/store.ts'
import { aggregateRead } from './aggregate.ts'
import { createGet } from './collection.ts'
import { type Columns, key } from './columns.ts'
import { cutPage, readCursor } from './cursor.ts'
import { leadCodec } from './lead-codec.ts'
import { createLeadLists } from './lead-lists.ts'
import { createLeadWrites } from './lead-writes.ts'
import { createOutboxes } from './outboxes.ts'
import { createLookup, type Sql } from './sql.ts'

const asked = { workspace_id: 'text', address: 'text', clear: 'json' } as const satisfies Columns

export function createLeadStore(sql: Sql): LeadStore {
  const { db } = sql
  const { fromRow } = leadCodec
  const get = createGet<'leads', Lead>({ sql, table: 'leads', fromRow, read: aggregateRead })
  const owners = createLookup<typeof asked, { clear: string; lead_id: string }>(
    sql,
    asked,
    (v) => `select v.n, v.clear, a.lead_id from ${v} cross join lead_addresses a where a.workspace_id = v.workspace_id and a.address = v.address`,
  )

  return {
    ...createLeadWrites(sql),
    ...createOutboxes(sql, 'leads'),
    ...createLeadLists(sql),

    get: async (workspaceId, id) => (await get(workspaceId, [id]))[0] ?? null,
    getMany: (workspaceId, ids) => get(workspaceId, [...new Set(ids)]),

    async byAddresses(workspaceId, addresses) {
      const found = await owners([...new Set(addresses)].map((address) => ({ workspace_id: workspaceId, address, clear: JSON.stringify(address) })))
      return new Map(found.map((row) => [JSON.parse(row.clear) as string, row.lead_id]))
    },

    async find(workspaceId, filter, page) {
      const after = readCursor(page.cursor)
      const { listId, address, externalId } = filter
      let query = db
        .selectFrom('leads')
        .select([...aggregateRead, 'id', 'created_at'])
        .where('workspace_id', '=', key(workspaceId))
      if (externalId !== undefined) query = query.where('external_id', '=', key(externalId))
      if (address !== undefined) {
        query = query.where('id', 'in', (eb) =>
          eb.selectFrom('lead_addresses').select('lead_id').where('workspace_id', '=', key(workspaceId)).where('address', '=', key(address)),
        )
      }
      if (listId !== undefined) {
        query = query.where('id', 'in', (eb) =>
          eb.selectFrom('list_members').select('lead_id').where('workspace_id', '=', key(workspaceId)).where('list_id', '=', key(listId)),
        )
      }
      if (after) query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at', 'id'), '<', tuple(after.createdAt, key(after.id))))
      const found = await query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit + 1)
        .execute()
      const { rows, nextCursor } = cutPage(found, page.limit)
      return { leads: rows.map(fromRow), nextCursor }
    },

    async remove(workspaceId, id) {
      return db.transaction().execute(async (trx) => {
        const removed = await trx.deleteFrom('leads').where('workspace_id', '=', key(workspaceId)).where('id', '=', key(id)).executeTakeFirst()
        if (removed.numDeletedRows === 0n) return false
        await trx.deleteFrom('lead_addresses').where('workspace_id', '=', key(workspaceId)).where('lead_id', '=', key(id)).execute()
        await trx.deleteFrom('list_members').where('workspace_id', '=', key(workspaceId)).where('lead_id', '=', key(id)).execute()
        return true
      })
    },
  }
}
