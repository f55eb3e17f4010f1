import { type Columns, key, type Row } from './columns.ts'
import { createLookup, createStatement, createVerb, type Sql } from './sql.ts'

interface Kept {
  workspaceId: string
  version: number
}

/** Small documents that exist as soon as somebody asks: version 0 stands for one that was never written. Ledgers and paces. */
export function createStoredVersions<T extends Kept>(options: {
  sql: Sql
  table: 'ledgers' | 'paces'
  keyColumn: 'line_id' | 'device_key'
  keyOf: (doc: T) => string
  fresh: (workspaceId: string, name: string) => T
  read: (text: string) => T
}): { load(workspaceId: string, name: string): Promise<T>; commit(doc: T): Promise<boolean> } {
  const { sql, table, keyColumn, keyOf, fresh, read } = options
  const identity = { workspace_id: 'text', name: 'text' } as const satisfies Columns
  const columns = { ...identity, version: 'int', doc: 'json' } as const satisfies Columns

  const lookup = createLookup<typeof identity, { version: number; doc: string }>(
    sql,
    identity,
    (v) => `select v.n, t.version, t.doc from ${v} cross join ${table} t where t.workspace_id = v.workspace_id and t.${keyColumn} = v.name`,
  )
  // One statement for both: a first version is inserted, a later one replaces the version it was made on, and nothing brings back what was removed.
  const write = createStatement<typeof columns, { workspace_id: string; name: string }>(
    sql,
    columns,
    (v) =>
      `insert into ${table} (workspace_id, ${keyColumn}, version, doc)
       select v.workspace_id, v.name, v.version + 1, v.doc from ${v}
       where v.version = 0 or exists (select 1 from ${table} t where t.workspace_id = v.workspace_id and t.${keyColumn} = v.name)
       on conflict (workspace_id, ${keyColumn}) do update set version = excluded.version, doc = excluded.doc
       where ${table}.version = excluded.version - 1 and ${table}.version > 0
       returning workspace_id, ${keyColumn} as name`,
  )
  const nameOf = (row: { workspace_id: string; name: string }): string => JSON.stringify([row.workspace_id, row.name])
  const commit = createVerb<Row<typeof columns>, boolean>(sql, {
    keysOf: (row) => [nameOf(row)],
    run: async (rows) => {
      const sorted = rows.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
      const done = new Set((await write(sorted)).map(nameOf))
      return rows.map((row) => done.has(nameOf(row)))
    },
  })

  return {
    async load(workspaceId, name) {
      const [row] = await lookup([{ workspace_id: workspaceId, name }])
      return row === undefined ? fresh(workspaceId, name) : { ...read(row.doc), version: row.version }
    },
    commit: async (doc) => {
      const text = JSON.stringify({ ...doc, version: undefined })
      return commit({ workspace_id: key(doc.workspaceId), name: key(keyOf(doc)), version: doc.version, doc: text })
    },
  }
}
