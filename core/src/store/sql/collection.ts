import type { Kysely } from 'kysely'
import { type Columns, key } from './columns.ts'
import { type Database, schema, type TableName } from './schema.ts'
import { createLookup, createStatement, createVerb, type Identity, type Sql, type Statement } from './sql.ts'

type Versioned = { [T in TableName]: Database[T] extends { workspace_id: string; id: string; version: number; doc: string } ? T : never }[TableName]

const identity = { workspace_id: 'text', id: 'text' } as const satisfies Columns
/** Answers with `idOf` of each row that was written. */
type Write<N extends Versioned> = (rows: readonly Database[N][], on?: Kysely<Database>) => Promise<Set<string>>

export const idOf = (row: Identity): string => `${row.workspace_id}/${row.id}`
export const keysOf = (row: Identity): string[] => [idOf(row)]
/** Rows in one order in every statement, so that two statements never wait for each other. */
export const inOrder = <R extends Identity>(rows: readonly R[]): R[] => rows.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))

/**
 * The statements that write whole documents; each tells which rows it wrote. `fixed` columns are written by the insert only: SQLite
 * rewrites every index that a `set` names, changed or not.
 */
export function createWrites<N extends Versioned>(
  sql: Sql,
  table: N,
  fixed: readonly (keyof Database[N] & string)[] = [],
): { insert: Write<N>; commit: Write<N> } {
  const { dialect } = sql
  const columns: Columns = schema[table]
  const kept = new Set<string>(['created_at', ...fixed])
  const changing: Columns = Object.fromEntries(Object.entries(columns).filter(([name]) => !kept.has(name)))
  const telling =
    (statement: Statement<Columns, unknown>): Write<N> =>
    async (rows, on) => {
      const sorted = inOrder(rows)
      return new Set(dialect.written(sorted, await statement(sorted, on)).map(idOf))
    }
  return {
    insert: telling(createStatement(sql, columns, () => dialect.insert(table, columns))),
    commit: telling(createStatement(sql, changing, () => dialect.update(table, changing))),
  }
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
  fixed?: readonly (keyof Database[N] & string)[]
}): Collection<T> {
  const { sql, table, toRow, fromRow, read, fixed } = options
  const writes = createWrites(sql, table, fixed)
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
