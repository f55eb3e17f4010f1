import { sql } from 'kysely'
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

export function createLeadStore(parts: Sql): LeadStore {
  const { db } = parts
  const { fromRow } = leadCodec
  const get = createGet<'leads', Lead>({ sql: parts, table: 'leads', fromRow, read: aggregateRead })
  const owners = createLookup<typeof asked, { clear: string; lead_id: string }>(
    parts,
    asked,
    (v) => `select v.n, v.clear, a.lead_id from ${v} cross join lead_addresses a where a.workspace_id = v.workspace_id and a.address = v.address`,
  )

  return {
    ...createLeadWrites(parts),
    ...createOutboxes(parts, 'leads'),
    ...createLeadLists(parts),

    get: async (workspaceId, id) => (await get(workspaceId, [id]))[0] ?? null,
    getMany: (workspaceId, ids) => get(workspaceId, [...new Set(ids)]),

    async byAddresses(workspaceId, addresses) {
      const found = await owners([...new Set(addresses)].map((address) => ({ workspace_id: workspaceId, address, clear: JSON.stringify(address) })))
      return new Map(found.map((row) => [JSON.parse(row.clear) as string, row.lead_id]))
    },

    async find(workspaceId, filter, page) {
      const after = readCursor(page.cursor)
      const { listId, address, externalId } = filter
      const ws = key(workspaceId)
      // A list is read in its own order, the rest in that of all leads; either way the newest come first and only a page is read.
      const [createdAt, id] = listId === undefined ? [sql.ref('l.created_at'), sql.ref('l.id')] : [sql.ref('m.lead_created_at'), sql.ref('m.lead_id')]
      let query = db
        .selectFrom('leads as l')
        .select(['l.version', 'l.outbox', 'l.doc', 'l.id', 'l.created_at'])
        .where('l.workspace_id', '=', ws)
        .$if(listId !== undefined, (all) =>
          all
            .innerJoin('list_members as m', (join) => join.onRef('m.workspace_id', '=', 'l.workspace_id').onRef('m.lead_id', '=', 'l.id'))
            .where('m.workspace_id', '=', ws)
            .where('m.list_id', '=', key(listId ?? '')),
        )
      if (externalId !== undefined) query = query.where('l.external_id', '=', key(externalId))
      if (address !== undefined) {
        query = query.where('l.id', '=', (eb) =>
          eb.selectFrom('lead_addresses as a').select('a.lead_id').where('a.workspace_id', '=', ws).where('a.address', '=', key(address)),
        )
      }
      if (after) query = query.where(sql<boolean>`(${createdAt}, ${id}) < (${after.createdAt}, ${key(after.id)})`)
      const found = await query
        .orderBy(createdAt, 'desc')
        .orderBy(id, 'desc')
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
