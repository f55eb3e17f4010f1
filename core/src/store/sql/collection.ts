import type { Kysely } from 'kysely'
import type { Columns, Row } from './columns.ts'
import { key } from './columns.ts'
import { type Database, schema, type TableName } from './schema.ts'
import { createLookup, createStatement, createVerb, type Sql } from './sql.ts'

type Versioned = { [T in TableName]: Database[T] extends { workspace_id: string; id: string; version: number; doc: string } ? T : never }[TableName]

const identity = { workspace_id: 'text', id: 'text' } as const satisfies Columns
type Identity = Row<typeof identity>
/** Answers with `idOf` of each row that was written. */
type Write<N extends Versioned> = (rows: readonly Database[N][], on?: Kysely<Database>) => Promise<Set<string>>

export const idOf = (row: Identity): string => `${row.workspace_id}/${row.id}`
export const keysOf = (row: Identity): string[] => [idOf(row)]
/** Rows in one order in every statement, so that two statements never wait for each other. */
export const inOrder = <R extends Identity>(rows: readonly R[]): R[] => rows.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))

/** The statements that write whole documents; each tells which rows it wrote. */
export function createWrites<N extends Versioned>(sql: Sql, table: N): { insert: Write<N>; commit: Write<N> } {
  const columns: Columns = schema[table]
  const names = Object.keys(columns)
  const changed = names.filter((name) => !['workspace_id', 'id', 'created_at', 'version'].includes(name))
  const insert = createStatement<Columns, Identity>(
    sql,
    columns,
    (v) =>
      `insert into ${table} (${names.join(', ')}) select ${names.map((name) => `v.${name}`).join(', ')} from ${v} where true
       on conflict do nothing returning workspace_id, id`,
  )
  const commit = createStatement<Columns, Identity>(
    sql,
    columns,
    (v) =>
      `update ${table} set ${changed.map((name) => `${name} = v.${name}`).join(', ')}, version = v.version + 1 from ${v}
       where ${table}.workspace_id = v.workspace_id and ${table}.id = v.id and ${table}.version = v.version
       returning ${table}.workspace_id, ${table}.id`,
  )
  const telling =
    (statement: typeof insert): Write<N> =>
    async (rows, on) =>
      new Set((await statement(inOrder(rows), on)).map(idOf))
  return { insert: telling(insert), commit: telling(commit) }
}

/** The read of documents by id. */
export function createGet<N extends Versioned, T>(options: {
  sql: Sql
  table: N
  fromRow: (row: Database[N]) => T
  read: readonly (keyof Database[N] & string)[]
}): (workspaceId: string, ids: readonly string[]) => Promise<T[]> {
  const { sql, table, fromRow, read } = options
  const lookup = createLookup<typeof identity, Database[N]>(
    sql,
    identity,
    (v) =>
      `select v.n, ${read.map((name) => `t.${name}`).join(', ')} from ${v} cross join ${table} t where t.workspace_id = v.workspace_id and t.id = v.id`,
  )
  return async (workspaceId, ids) => (await lookup(ids.map((id) => ({ workspace_id: workspaceId, id })))).map(fromRow)
}

/** The three verbs every versioned document has, coalesced. */
export interface Collection<T> {
  /** False when one with this id (or another unique column) is there already. */
  insert(doc: T): Promise<boolean>
  get(workspaceId: string, id: string): Promise<T | null>
  /** Compare-and-set on `version`. */
  commit(doc: T): Promise<boolean>
}

export function createCollection<N extends Versioned, T>(options: {
  sql: Sql
  table: N
  toRow: (doc: T) => Database[N]
  fromRow: (row: Database[N]) => T
  /** What `fromRow` looks at. */
  read: readonly (keyof Database[N] & string)[]
}): Collection<T> {
  const { sql, table, toRow, fromRow, read } = options
  const writes = createWrites(sql, table)
  const get = createGet({ sql, table, fromRow, read })
  const written = (write: Write<N>) =>
    createVerb<Database[N], boolean>(sql, {
      keysOf,
      run: async (rows) => {
        const done = await write(rows)
        return rows.map((row) => done.has(idOf(row)))
      },
    })
  const insert = written(writes.insert)
  const commit = written(writes.commit)
  const fit = (doc: T): Database[N] => {
    const row = toRow(doc)
    return { ...row, workspace_id: key(row.workspace_id), id: key(row.id) }
  }

  return {
    // Encoded before it waits: a document that cannot be written fails its own call only.
    insert: async (doc) => insert(fit(doc)),
    commit: async (doc) => commit(fit(doc)),
    get: async (workspaceId, id) => (await get(workspaceId, [id]))[0] ?? null,
  }
}
