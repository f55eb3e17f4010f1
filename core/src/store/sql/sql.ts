import { CompiledQuery, type Kysely } from 'kysely'
import type { Log } from '../../runtime.ts'
import { type Coalescer, createCoalescer } from './coalescer.ts'
import { type Columns, createGuard, type Row } from './columns.ts'
import type { Database } from './schema.ts'

/** What differs between the two engines, and nothing else. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres'
  /** The rows that `parameters` brings, as a table expression named `v`. */
  rows(columns: Columns): string
  /** All rows of a batch as the parameters of one statement over `rows`. */
  parameters(columns: Columns, rows: readonly Row<Columns>[]): readonly unknown[]
  /** Inserts rows that break no unique index. */
  insert(table: string, columns: Columns): string
  /** Writes every given column of the rows whose stored version is theirs, and raises it. */
  update(table: string, columns: Columns): string
  /** Which rows an `insert` or `update` wrote, by what it answered. */
  written(rows: readonly Identity[], answers: readonly unknown[]): readonly Identity[]
  /** Statements of one verb that may run at the same time. */
  readonly inFlightMax: number
  /** The write would break a unique index. */
  isTaken(error: unknown): boolean
  /** One row of a batch may be to blame, or the batch met another one: tried alone, each row has its own outcome. */
  splits(error: unknown): boolean
  /** Until the transaction ends, nobody else passes here with the same name. */
  lock(trx: Kysely<Database>, name: string): Promise<void>
}

export type Identity = Row<{ workspace_id: 'text'; id: 'text' }>

export interface Sql {
  readonly db: Kysely<Database>
  readonly dialect: Dialect
  readonly log: Log
  /** Every coalescer, so that closing can wait for what they hold. */
  readonly coalescers: Coalescer<never, unknown>[]
}

export type Statement<C extends Columns, R> = (rows: readonly Row<C>[], on?: Kysely<Database>) => Promise<R[]>

const batchMax = 200

/** A statement over many rows, built once. `text` gets the table expression that yields them, named `v`. */
export function createStatement<C extends Columns, R>(sql: Sql, columns: C, text: (v: string) => string): Statement<C, R> {
  const compiled = text(sql.dialect.rows(columns))
  const guard = createGuard(columns)
  return async (rows, on = sql.db) => {
    if (rows.length === 0) return []
    const query = CompiledQuery.raw(compiled, [...sql.dialect.parameters(columns, rows.map(guard))]) as CompiledQuery<R>
    return (await on.executeQuery(query)).rows
  }
}

/** A verb whose concurrent calls share statements. See `createCoalescer`. */
export function createVerb<In, Out>(
  sql: Sql,
  options: {
    run: (items: readonly In[]) => Promise<readonly Out[]>
    keysOf?: (item: In) => readonly string[]
    sizeOf?: (item: In) => number
    splits?: (error: unknown) => boolean
  },
): (item: In) => Promise<Out> {
  const { splits } = sql.dialect
  const coalescer = createCoalescer<In, Out>({ splits, ...options, batchMax, inFlightMax: sql.dialect.inFlightMax })
  sql.coalescers.push(coalescer)
  return coalescer
}

/**
 * A read whose concurrent calls share one select. Each call asks with rows of its own and gets what was found for them; `text` selects
 * `v.n` beside what it reads, by which the answers find their way back.
 */
export function createLookup<C extends Columns, R>(sql: Sql, columns: C, text: (v: string) => string): (rows: readonly Row<C>[]) => Promise<R[]> {
  const statement = createStatement<C & { n: 'int' }, R & { n: number }>(sql, { ...columns, n: 'int' }, text)
  const verb = createVerb<readonly Row<C>[], R[]>(sql, {
    sizeOf: (rows) => rows.length,
    run: async (calls) => {
      // Many ask for the same few documents at once (a workspace, its lines): each is fetched once and given to all.
      const places = new Map<string, number>()
      const distinct: (readonly Row<C>[])[] = []
      const placeOf = calls.map((rows) => {
        const asked = JSON.stringify(rows)
        const place = places.get(asked) ?? distinct.push(rows) - 1
        places.set(asked, place)
        return place
      })
      const answers: R[][] = distinct.map(() => [])
      const asked = distinct.flatMap((rows, n) => rows.map((row) => ({ ...row, n }) as Row<C & { n: 'int' }>))
      for (const found of await statement(asked)) answers[found.n]?.push(found)
      return placeOf.map((place) => [...(answers[place] ?? [])])
    },
  })
  return (rows) => (rows.length === 0 ? Promise.resolve([]) : verb(rows))
}

const rememberedMax = 500

/** Decodes rows of documents that many read and few write: one that has not changed since is not parsed again. */
export function remembering<Stored extends { version: number; outbox: string | null; doc: string }, T>(
  fromRow: (row: Stored) => T,
): (row: Stored) => T {
  const known = new Map<string, T>()
  return (row) => {
    const text = `${row.version} ${row.outbox ?? ''} ${row.doc}`
    const before = known.get(text)
    if (before !== undefined) return before
    const doc = fromRow(row)
    if (known.size >= rememberedMax) known.clear()
    known.set(text, doc)
    return doc
  }
}
