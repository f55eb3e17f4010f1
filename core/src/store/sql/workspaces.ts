import type { WorkspaceStore } from '../../workspace/store.ts'
import type { Workspace } from '../../workspace/workspace.ts'
import { aggregateRead, createAggregateCodec } from './aggregate.ts'
import { createCollection } from './collection.ts'
import { key, keyOrNull } from './columns.ts'
import { cutPage, readCursor } from './cursor.ts'
import { createOutboxes } from './outboxes.ts'
import { remembering, type Sql } from './sql.ts'

const codec = createAggregateCodec<Workspace>({
  dates: { createdAt: true, updatedAt: true },
  blank: { externalId: null, quietHours: null, readOnly: null },
})

export function createWorkspaceStore(sql: Sql): WorkspaceStore {
  const { db } = sql
  const fromRow = remembering(codec.fromRow)
  const toRow = (workspace: Workspace) => ({
    ...codec.toRow(workspace),
    workspace_id: workspace.id,
    external_id: keyOrNull(workspace.externalId),
  })
  const collection = createCollection<'workspaces', Workspace>({ sql, table: 'workspaces', toRow, fromRow, read: aggregateRead })
  const outboxes = createOutboxes(sql, 'workspaces')

  return {
    ...outboxes,
    relayed: ({ id, version }) => outboxes.relayed({ workspaceId: id, id, version }),
    insert: collection.insert,
    get: (id) => collection.get(id, id),

    async byExternalId(externalId) {
      const row = await db.selectFrom('workspaces').select(aggregateRead).where('external_id', '=', key(externalId)).executeTakeFirst()
      return row ? fromRow(row) : null
    },

    async list(page) {
      const after = readCursor(page.cursor)
      let query = db.selectFrom('workspaces').select([...aggregateRead, 'id', 'created_at'])
      if (after) query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('created_at', 'id'), '<', tuple(after.createdAt, key(after.id))))
      const found = await query
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .limit(page.limit + 1)
        .execute()
      const { rows, nextCursor } = cutPage(found, page.limit)
      return { workspaces: rows.map(fromRow), nextCursor }
    },

    async commit(workspace) {
      try {
        return (await collection.commit(workspace)) ? 'ok' : 'conflict'
      } catch (error) {
        if (sql.dialect.isTaken(error)) return 'taken'
        throw error
      }
    },
  }
}
