import type { AuditStore } from '../../workspace/store.ts'
import type { AuditEntry } from '../../workspace/workspace.ts'
import { createReader } from './codec.ts'
import { key } from './columns.ts'
import { cutPage, readCursor } from './cursor.ts'
import type { Sql } from './sql.ts'

export function createAuditStore({ db }: Sql): AuditStore {
  const read = createReader<AuditEntry>({ at: true })
  return {
    async record(entry) {
      await db
        .insertInto('audit')
        .values({ workspace_id: key(entry.workspaceId), id: key(entry.id), created_at: entry.at.getTime(), doc: JSON.stringify(entry) })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async find(workspaceId, page) {
      const after = readCursor(page.cursor)
      let query = db.selectFrom('audit').select(['id', 'created_at', 'doc']).where('workspace_id', '=', key(workspaceId))
      if (after) query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at', 'id'), '<', tuple(after.createdAt, key(after.id))))
      const found = await query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit + 1)
        .execute()
      const { rows, nextCursor } = cutPage(found, page.limit)
      return { entries: rows.map((row) => read(row.doc)), nextCursor }
    },
  }
}
