import type { Outboxes } from '../../event/event.ts'
import { inOrder, keysOf } from './collection.ts'
import type { Columns, Row } from './columns.ts'
import { createStatement, createVerb, type Sql } from './sql.ts'

const versionedIdentity = { workspace_id: 'text', id: 'text', version: 'int' } as const satisfies Columns

/** What the relay needs of a table whose documents carry an outbox. */
export function createOutboxes(sql: Sql, table: 'messages' | 'lines' | 'leads' | 'webhooks' | 'workspaces'): Outboxes {
  const empty = createStatement<typeof versionedIdentity, never>(
    sql,
    versionedIdentity,
    (v) =>
      `update ${table} set outbox = null, outbox_at = null from ${v}
       where ${table}.workspace_id = v.workspace_id and ${table}.id = v.id and ${table}.version = v.version`,
  )
  const relayed = createVerb<Row<typeof versionedIdentity>, null>(sql, {
    keysOf,
    run: async (rows) => {
      await empty(inOrder(rows))
      return rows.map(() => null)
    },
  })
  return {
    async relayed({ workspaceId, id, version }) {
      await relayed({ workspace_id: workspaceId, id, version })
    },
    async unrelayed(before, limit) {
      const rows = await sql.db
        .selectFrom(table)
        .select(['workspace_id', 'id'])
        .where('outbox_at', '<', before.getTime())
        .orderBy('outbox_at')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map((row) => ({ workspaceId: row.workspace_id, id: row.id }))
    },
  }
}
