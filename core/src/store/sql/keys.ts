import type { KeyStore } from '../../workspace/store.ts'
import type { ApiKey } from '../../workspace/workspace.ts'
import { createReader } from './codec.ts'
import { key } from './columns.ts'
import { createLookup, type Sql } from './sql.ts'

export function createKeyStore(sql: Sql): KeyStore {
  const { db } = sql
  const read = createReader<ApiKey>({ expiresAt: true, revokedAt: true, lastUsedAt: true, createdAt: true })
  const byHash = createLookup<{ hash: 'text' }, { doc: string }>(
    sql,
    { hash: 'text' },
    (v) => `select v.n, t.doc from ${v} cross join api_keys t where t.hash = v.hash`,
  )
  const one = (workspaceId: string, id: string) =>
    db.selectFrom('api_keys').select(['version', 'doc']).where('workspace_id', '=', key(workspaceId)).where('id', '=', key(id)).executeTakeFirst()

  return {
    async insert(apiKey) {
      const inserted = await db
        .insertInto('api_keys')
        .values({
          workspace_id: key(apiKey.workspaceId),
          id: key(apiKey.id),
          created_at: apiKey.createdAt.getTime(),
          version: 0,
          hash: key(apiKey.hash),
          doc: JSON.stringify(apiKey),
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return inserted.numInsertedOrUpdatedRows === 1n
    },

    async byHash(hash) {
      const [row] = await byHash([{ hash }])
      return row === undefined ? null : read(row.doc)
    },

    async get(workspaceId, id) {
      const row = await one(workspaceId, id)
      return row ? read(row.doc) : null
    },

    async list(workspaceId) {
      const rows = await db
        .selectFrom('api_keys')
        .select('doc')
        .where('workspace_id', '=', key(workspaceId))
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return rows.map((row) => read(row.doc))
    },

    async end(workspaceId, id, when) {
      // A revocation must not get lost under a rotation: each is written on what it read, and read again when that has changed.
      for (;;) {
        const row = await one(workspaceId, id)
        if (!row) return false
        const changed = await db
          .updateTable('api_keys')
          .set({ version: row.version + 1, doc: JSON.stringify({ ...read(row.doc), ...when }) })
          .where('workspace_id', '=', key(workspaceId))
          .where('id', '=', key(id))
          .where('version', '=', row.version)
          .executeTakeFirst()
        if (changed.numUpdatedRows > 0n) return true
      }
    },
  }
}
