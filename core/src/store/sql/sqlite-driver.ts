import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely'
import { eachMark } from './dialects.ts'

const statementsMax = 500
const gatherMaxMs = 4

type Values = SQLInputValue[]

interface Prepared {
  readonly statement: StatementSync
  readonly kind: 'read' | 'each' | 'rows' | 'plain'
}

/** Writes that reach the disk together. */
interface Group {
  readonly durable: Promise<void>
  readonly begun: number
  /** Joined since the last look. */
  news: number
  end(error?: unknown): void
}

/**
 * Kysely's driver over the SQLite that is built into Node, with one commit for all that is written in one turn of the event loop: a flush
 * to disk costs more than ten writes. A write is answered when its commit is on disk; each one alone stays all or nothing. Reads see what
 * was written a moment ago, which is safe: whoever acts on it writes first, and that write is in the same commit or a later one.
 */
export function createSqliteDriver(database: DatabaseSync, onClose: () => void): Driver {
  const statements = new Map<string, Prepared>()
  let group: Group | null = null
  let lastFlushMs = 0
  /** Whoever runs a transaction of several statements has the connection alone until it ends. */
  let alone: Promise<void> | null = null

  function prepare(text: string): Prepared {
    const known = statements.get(text)
    if (known) return known
    const statement = database.prepare(text)
    const start = text.trimStart().slice(0, 6).toLowerCase()
    const kind = text.startsWith(eachMark)
      ? 'each'
      : start === 'select' || start === 'pragma'
        ? 'read'
        : statement.columns().length > 0
          ? 'rows'
          : 'plain'
    const prepared: Prepared = { statement, kind }
    if (statements.size >= statementsMax) statements.clear()
    statements.set(text, prepared)
    return prepared
  }

  function join(): Group {
    if (group) {
      group.news++
      return group
    }
    database.exec('begin immediate')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // Whose own statement failed does not wait for the commit; nobody else may have been in it.
    promise.catch(() => {})
    group = { durable: promise, begun: performance.now(), news: 1, end: (error) => (error === undefined ? resolve() : reject(error)) }
    setImmediate(flush)
    return group
  }

  /** Gathers while writes keep coming, but no longer than the last flush took: waiting may at most double what a write waits anyway. */
  function flush(): void {
    const ending = group
    if (ending === null || alone !== null) return
    const now = performance.now()
    if (ending.news > 0 && now - ending.begun < Math.min(lastFlushMs, gatherMaxMs)) {
      ending.news = 0
      setImmediate(flush)
      return
    }
    group = null
    try {
      database.exec('commit')
      lastFlushMs = performance.now() - now
      ending.end()
    } catch (error) {
      ending.end(error)
      if (database.isTransaction) database.exec('rollback')
    }
  }

  /** After some errors (a full disk, one that fails) SQLite has taken back the whole transaction: then all who are in it failed. */
  function failed(error: unknown): void {
    if (group === null || database.isTransaction) return
    const ending = group
    group = null
    ending.end(error)
  }

  function rowsOf<R>({ statement, kind }: Prepared, parameters: readonly unknown[]): QueryResult<R> {
    if (!isRows(parameters)) {
      if (kind === 'plain') return { rows: [], numAffectedRows: BigInt(statement.run(...(parameters as Values)).changes) }
      return { rows: statement.all(...(parameters as Values)) as R[] }
    }
    if (kind === 'plain') {
      let changes = 0
      for (const row of parameters) changes += Number(statement.run(...row).changes)
      return { rows: [], numAffectedRows: BigInt(changes) }
    }
    if (kind === 'each') return { rows: parameters.flatMap((row, n) => (Number(statement.run(...row).changes) > 0 ? [n] : [])) as R[] }
    return { rows: parameters.flatMap((row) => statement.all(...row)) as R[] }
  }

  /** Several rows are written all or none; a single statement is so by itself. */
  function write<R>(prepared: Prepared, parameters: readonly unknown[]): QueryResult<R> {
    if (!isRows(parameters) || parameters.length === 1) return rowsOf<R>(prepared, parameters)
    database.exec('savepoint batch')
    try {
      const result = rowsOf<R>(prepared, parameters)
      database.exec('release batch')
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('rollback to batch; release batch')
      throw error
    }
  }

  function connection(): DatabaseConnection & { end: (() => void) | null } {
    return {
      /** Set while this one has the connection alone. */
      end: null,
      async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
        while (alone !== null && this.end === null) await alone
        const prepared = prepare(query.sql)
        if (prepared.kind === 'read') return rowsOf<R>(prepared, query.parameters)
        const durable = this.end === null ? join().durable : null
        if (!database.isTransaction) throw new Error('SQLite has taken back the transaction this write belongs to')
        try {
          const result = write<R>(prepared, query.parameters)
          if (durable === null) return result
          await durable
          return result
        } catch (error) {
          failed(error)
          throw error
        }
      },
      streamQuery() {
        throw new Error('the SQLite store reads in pages, not in streams')
      },
    }
  }

  type Own = ReturnType<typeof connection>

  async function leave(own: Own, last: string): Promise<void> {
    try {
      database.exec(last)
    } finally {
      own.end?.()
    }
  }

  return {
    init: () => Promise.resolve(),
    acquireConnection: () => Promise.resolve(connection()),
    releaseConnection: () => Promise.resolve(),
    async beginTransaction(given) {
      const own = given as Own
      while (alone !== null) await alone
      const { promise, resolve } = Promise.withResolvers<void>()
      alone = promise
      own.end = () => {
        own.end = null
        alone = null
        resolve()
        // The turn may be over by now: what this one wrote must not wait for somebody else's write.
        if (group !== null) setImmediate(flush)
      }
      try {
        join()
        database.exec('savepoint whole')
      } catch (error) {
        own.end()
        throw error
      }
    },
    async commitTransaction(given) {
      const durable = group?.durable
      await leave(given as Own, 'release whole')
      await durable
    },
    async rollbackTransaction(given) {
      // Kysely rolls back after a commit that failed, too: by then the savepoint may be somebody else's.
      if ((given as Own).end === null) return
      await leave(given as Own, database.isTransaction ? 'rollback to whole; release whole' : 'select 1')
    },
    async destroy() {
      while (alone !== null) await alone
      while (group !== null) await group.durable.catch(() => {})
      database.close()
      onClose()
    },
  }
}

function isRows(parameters: readonly unknown[]): parameters is readonly Values[] {
  return Array.isArray(parameters[0])
}
