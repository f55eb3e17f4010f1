import { createHash } from 'node:crypto'
import type { MessageStore, ParkedReceipt } from '../../message/store.ts'
import { createReader } from './codec.ts'
import { key } from './columns.ts'
import type { Sql } from './sql.ts'

export function createParkedReceipts({ db }: Sql): Pick<MessageStore, 'park' | 'unpark' | 'pruneParked'> {
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
      const rows = await db
        .deleteFrom('parked_receipts')
        .where('workspace_id', '=', key(workspaceId))
        .where('line_id', '=', key(lineId))
        .where('external_id', '=', key(externalId))
        .returning('doc')
        .execute()
      return rows.map((row) => read(row.doc)).sort((a, b) => a.at.getTime() - b.at.getTime())
    },

    async pruneParked(before) {
      await db.deleteFrom('parked_receipts').where('parked_at', '<', before.getTime()).execute()
    },
  }
}
