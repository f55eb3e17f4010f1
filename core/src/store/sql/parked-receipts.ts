import { createHash } from 'node:crypto'
import type { MessageStore, ParkedReceipt } from '../../message/store.ts'
import { createReader } from './codec.ts'
import { type Columns, key } from './columns.ts'
import { createLookup, type Sql } from './sql.ts'

const place = { workspace_id: 'text', line_id: 'text', external_id: 'text' } as const satisfies Columns

export function createParkedReceipts(sql: Sql): Pick<MessageStore, 'park' | 'unpark' | 'pruneParked'> {
  const { db } = sql
  const waiting = createLookup<typeof place, { digest: string }>(
    sql,
    place,
    (v) =>
      `select v.n, t.digest from ${v} cross join parked_receipts t
       where t.workspace_id = v.workspace_id and t.line_id = v.line_id and t.external_id = v.external_id`,
  )
  const read = createReader<ParkedReceipt>({ at: true })
  return {
    async park(workspaceId, parked) {
      await db
        .insertInto('parked_receipts')
        .values({
          workspace_id: key(workspaceId),
          line_id: key(parked.lineId),
          external_id: key(parked.externalId),
          digest: createHash('sha256').update(JSON.stringify(parked.receipt)).digest('hex'),
          parked_at: parked.at.getTime(),
          doc: JSON.stringify(parked),
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async unpark(workspaceId, lineId, externalId) {
      const where = { workspace_id: key(workspaceId), line_id: key(lineId), external_id: key(externalId) }
      // Asked for every message and nearly always for nothing: a read that many share, and no write.
      if ((await waiting([where])).length === 0) return []
      const rows = await db
        .deleteFrom('parked_receipts')
        .where('workspace_id', '=', where.workspace_id)
        .where('line_id', '=', where.line_id)
        .where('external_id', '=', where.external_id)
        .returning('doc')
        .execute()
      return rows.map((row) => read(row.doc)).sort((a, b) => a.at.getTime() - b.at.getTime())
    },

    async pruneParked(before) {
      await db.deleteFrom('parked_receipts').where('parked_at', '<', before.getTime()).execute()
    },
  }
}
