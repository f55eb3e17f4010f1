import type { Delivery, DeliveryFilter, DeliveryStatus, DeliveryStore } from '../../event/store.ts'
import { createReader } from './codec.ts'
import { createCollection, createWrites, idOf, inOrder } from './collection.ts'
import { type Columns, createGuard, key, ms, type Row } from './columns.ts'
import { cutPage, readCursor } from './cursor.ts'
import { type Database, schema } from './schema.ts'
import { createStatement, createVerb, type Sql } from './sql.ts'

type DeliveryRow = Pick<Database['deliveries'], 'version' | 'status' | 'due_at' | 'doc'>
const read = ['version', 'status', 'due_at', 'doc'] as const
const guard = createGuard(schema.deliveries)

/** What a claim changes stands in columns only: claiming rewrites no body. */
function toRow(delivery: Delivery): Database['deliveries'] {
  return guard({
    workspace_id: delivery.workspaceId,
    id: delivery.id,
    version: delivery.version,
    created_at: delivery.createdAt.getTime(),
    consumer: delivery.consumer,
    event: delivery.event,
    status: delivery.status,
    lead_id: delivery.leadId,
    due_at: ms(delivery.dueAt),
    doc: JSON.stringify({ ...delivery, version: undefined, status: undefined, dueAt: undefined }),
  })
}

const readDoc = createReader<Omit<Delivery, 'version' | 'status' | 'dueAt'>>({ 'attempts[].at': true, createdAt: true })

function fromRow(row: DeliveryRow): Delivery {
  const dueAt = row.due_at === null ? null : new Date(row.due_at)
  return { ...readDoc(row.doc), version: row.version, status: row.status as DeliveryStatus, dueAt }
}

const claimColumns = { workspace_id: 'text', id: 'text', now: 'int', lease_until: 'int' } as const satisfies Columns

export function createDeliveryStore(sql: Sql): DeliveryStore {
  const { db } = sql
  const collection = createCollection<'deliveries', Delivery>({ sql, table: 'deliveries', toRow, fromRow, read })

  const writes = createWrites(sql, 'deliveries')
  const insert = createVerb<readonly Database['deliveries'][], string[]>(sql, {
    keysOf: (rows) => rows.map(idOf),
    sizeOf: (rows) => rows.length,
    run: async (calls) => {
      const made = await writes.insert(calls.flat())
      return calls.map((rows) => rows.filter((row) => made.delete(idOf(row))).map((row) => row.id))
    },
  })

  const claimRows = createStatement<typeof claimColumns, DeliveryRow & { workspace_id: string; id: string }>(
    sql,
    claimColumns,
    (v) =>
      `update deliveries set version = deliveries.version + 1, due_at = v.lease_until from ${v}
       where deliveries.workspace_id = v.workspace_id and deliveries.id = v.id and deliveries.status = 'pending' and deliveries.due_at <= v.now
       returning ${['workspace_id', 'id', ...read].map((name) => `deliveries.${name}`).join(', ')}`,
  )
  const claim = createVerb<Row<typeof claimColumns>, Delivery | null>(sql, {
    keysOf: (row) => [idOf(row)],
    run: async (rows) => {
      const claimed = new Map((await claimRows(inOrder(rows))).map((row) => [idOf(row), row]))
      return rows.map((row) => {
        const found = claimed.get(idOf(row))
        return found === undefined ? null : fromRow(found)
      })
    },
  })

  const matching = (workspaceId: string, filter: DeliveryFilter) => {
    let query = db.selectFrom('deliveries').where('workspace_id', '=', key(workspaceId)).where('consumer', '=', key(filter.consumer))
    if (filter.status !== undefined) query = query.where('status', '=', filter.status)
    if (filter.events !== undefined) query = query.where('event', 'in', filter.events)
    if (filter.since !== undefined) query = query.where('created_at', '>=', filter.since.getTime())
    if (filter.until !== undefined) query = query.where('created_at', '<=', filter.until.getTime())
    return query
  }

  return {
    insert: async (deliveries) => (deliveries.length === 0 ? [] : insert(deliveries.map(toRow))),
    claim: (workspaceId, id, now, leaseUntil) =>
      claim({ workspace_id: key(workspaceId), id: key(id), now: now.getTime(), lease_until: leaseUntil.getTime() }),
    commit: collection.commit,
    get: collection.get,

    async find(workspaceId, filter, page) {
      const after = readCursor(page.cursor)
      let query = matching(workspaceId, filter).select([...read, 'id', 'created_at'])
      if (after) query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at', 'id'), '<', tuple(after.createdAt, key(after.id))))
      const found = await query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit + 1)
        .execute()
      const { rows, nextCursor } = cutPage(found, page.limit)
      return { deliveries: rows.map(fromRow), nextCursor }
    },

    async reopen(workspaceId, filter, now, limit) {
      const rows = await db
        .updateTable('deliveries')
        .set((eb) => ({ status: 'pending', due_at: now.getTime(), version: eb('version', '+', 1) }))
        .where('workspace_id', '=', key(workspaceId))
        .where('id', 'in', matching(workspaceId, filter).where('due_at', 'is', null).select('id').orderBy('created_at').orderBy('id').limit(limit))
        .where('status', '<>', 'pending')
        .returning('id')
        .execute()
      return rows.map((row) => row.id)
    },

    async due(before, limit) {
      const rows = await db
        .selectFrom('deliveries')
        .select(['workspace_id', 'id', 'due_at'])
        .where('due_at', '<=', before.getTime())
        .where('status', '=', 'pending')
        .orderBy('due_at')
        .orderBy('id')
        .limit(limit)
        .$narrowType<{ due_at: number }>()
        .execute()
      return rows.map((row) => ({ workspaceId: row.workspace_id, id: row.id, dueAt: new Date(row.due_at) }))
    },

    async backlog(now) {
      const { count, oldest } = await db
        .selectFrom('deliveries')
        .select(({ fn }) => [fn.countAll<number>().as('count'), fn.min<number | null>('due_at').as('oldest')])
        .where('due_at', '<=', now.getTime())
        .where('status', '=', 'pending')
        .executeTakeFirstOrThrow()
      return { count, oldestDueAt: oldest === null ? null : new Date(oldest) }
    },

    async removeForLead(workspaceId, leadId) {
      await db.deleteFrom('deliveries').where('workspace_id', '=', key(workspaceId)).where('lead_id', '=', key(leadId)).execute()
    },

    async prune(before, limit) {
      const settled = db
        .selectFrom('deliveries')
        .select(['workspace_id', 'id'])
        .where('due_at', 'is', null)
        .where('status', '<>', 'pending')
        .where('created_at', '<', before.getTime())
        .orderBy('created_at')
        .limit(limit)
      const removed = await db
        .deleteFrom('deliveries')
        .where(({ eb, refTuple }) => eb(refTuple('workspace_id', 'id'), 'in', settled.$asTuple('workspace_id', 'id')))
        .where('due_at', 'is', null)
        .executeTakeFirst()
      return Number(removed.numDeletedRows)
    },
  }
}
