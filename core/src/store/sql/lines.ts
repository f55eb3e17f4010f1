import { emptyLedger, type Ledger } from '../../line/ledger.ts'
import type { Line } from '../../line/line.ts'
import { freshPace, type Pace } from '../../line/pacing.ts'
import type { LineStore } from '../../line/store.ts'
import { aggregateRead, createAggregateCodec } from './aggregate.ts'
import { createReader } from './codec.ts'
import { createCollection } from './collection.ts'
import { key } from './columns.ts'
import { createOutboxes } from './outboxes.ts'
import { createLookup, remembering, type Sql } from './sql.ts'
import { createStoredVersions } from './stored-versions.ts'

const codec = createAggregateCodec<Line>({
  dates: { 'health.lastCheckedAt': true, createdAt: true, updatedAt: true },
  blank: { phone: null, email: null, deviceId: null },
})

export function createLineStore(sql: Sql): LineStore {
  const { db } = sql
  const fromRow = remembering(codec.fromRow)
  const collection = createCollection<'lines', Line>({
    sql,
    table: 'lines',
    toRow: (line) => ({ ...codec.toRow(line), channel: line.channel, is_active: line.isActive ? 1 : 0 }),
    fromRow,
    read: aggregateRead,
  })
  const listed = createLookup<
    { workspace_id: 'text' },
    { id: string; created_at: number; channel: string; version: number; outbox: string; doc: string }
  >(
    sql,
    { workspace_id: 'text' },
    (v) => `select v.n, t.id, t.created_at, t.channel, t.version, t.outbox, t.doc from ${v} cross join lines t where t.workspace_id = v.workspace_id`,
  )
  const ledgers = createStoredVersions<Ledger>({
    sql,
    table: 'ledgers',
    keyColumn: 'line_id',
    keyOf: (ledger) => ledger.lineId,
    fresh: emptyLedger,
    read: createReader<Ledger>({ nextNewAt: true, lastNewAt: true }),
  })
  const paces = createStoredVersions<Pace>({
    sql,
    table: 'paces',
    keyColumn: 'device_key',
    keyOf: (pace) => pace.deviceKey,
    fresh: freshPace,
    read: createReader<Pace>({ nextSendAt: true, lastSendAt: true, nextCheckAt: true }),
  })

  return {
    ...collection,
    ...createOutboxes(sql, 'lines'),

    async byHook(id) {
      const row = await db.selectFrom('lines').select(aggregateRead).where('id', '=', key(id)).limit(1).executeTakeFirst()
      return row ? fromRow(row) : null
    },

    async list(workspaceId, channel) {
      const rows = await listed([{ workspace_id: workspaceId }])
      return rows
        .filter((row) => channel === undefined || row.channel === channel)
        .sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1))
        .map(fromRow)
    },

    async active(afterId, limit) {
      let query = db.selectFrom('lines').select(aggregateRead).where('is_active', '=', 1)
      if (afterId !== null) query = query.where('id', '>', key(afterId))
      return (await query.orderBy('id').limit(limit).execute()).map(fromRow)
    },

    async remove(workspaceId, id) {
      return db.transaction().execute(async (trx) => {
        const removed = await trx.deleteFrom('lines').where('workspace_id', '=', key(workspaceId)).where('id', '=', key(id)).executeTakeFirst()
        if (removed.numDeletedRows === 0n) return false
        await trx.deleteFrom('ledgers').where('workspace_id', '=', key(workspaceId)).where('line_id', '=', key(id)).execute()
        await trx.deleteFrom('paces').where('workspace_id', '=', key(workspaceId)).where('device_key', '=', key(id)).execute()
        return true
      })
    },

    ledger: ledgers.load,
    commitLedger: ledgers.commit,
    pace: paces.load,
    commitPace: paces.commit,
  }
}
