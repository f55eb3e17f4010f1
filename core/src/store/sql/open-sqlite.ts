import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'
import { eachMark } from './dialects.ts'
import type { Database } from './schema.ts'

const statementsMax = 500

type Values = SQLInputValue[]

/**
 * What Kysely asks of a driver, over the one built into Node. Statements are prepared once: there are only so many texts. Parameters that
 * are rows themselves (see the dialect) are run one after the other, all or none.
 */
function wrap(database: DatabaseSync, close: () => void): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()

  function prepare(text: string): SqliteStatement {
    const statement = database.prepare(text)
    const isRead = text.startsWith('select')
    const isEach = text.startsWith(eachMark)
    const all = (rows: readonly Values[]): unknown[] => rows.flatMap((row) => statement.all(...row))
    const changed = (rows: readonly Values[]): unknown[] => rows.flatMap((row, n) => (Number(statement.run(...row).changes) > 0 ? [n] : []))
    function together(rows: readonly Values[], each: (rows: readonly Values[]) => unknown[]): unknown[] {
      if (isRead || rows.length === 1 || database.isTransaction) return each(rows)
      database.exec('begin immediate')
      try {
        const result = each(rows)
        database.exec('commit')
        return result
      } catch (error) {
        if (database.isTransaction) database.exec('rollback')
        throw error
      }
    }
    return {
      // Kysely fetches rows from a reader only.
      reader: isEach || statement.columns().length > 0,
      all: (parameters) => (isRows(parameters) ? together(parameters, isEach ? changed : all) : statement.all(...(parameters as Values))),
      run: (parameters) =>
        isRows(parameters) ? { changes: together(parameters, changed).length, lastInsertRowid: 0 } : statement.run(...(parameters as Values)),
      iterate: (parameters) => statement.iterate(...(parameters as Values)),
    }
  }

  return {
    close,
    prepare(text) {
      const known = statements.get(text)
      if (known) return known
      const prepared = prepare(text)
      if (statements.size >= statementsMax) statements.clear()
      statements.set(text, prepared)
      return prepared
    },
  }
}

function isRows(parameters: readonly unknown[]): parameters is readonly Values[] {
  return Array.isArray(parameters[0])
}

/**
 * Two processes on one data directory would each believe to be alone with its lines. The lock lives in the operating system, so that it
 * ends with the process however that dies.
 */
function lock(directory: string): DatabaseSync {
  const guard = new DatabaseSync(join(directory, 'hub.lock'), { timeout: 0 })
  try {
    guard.exec('pragma locking_mode = exclusive; begin exclusive')
    return guard
  } catch (cause) {
    guard.close()
    throw new Error(
      `The data directory ${directory} is in use by another Trunkline process. Stop that process, or set DATA_DIR to another directory.`,
      { cause },
    )
  }
}

/** Opens (or makes) the file, alone. Every commit is on disk before it is answered (`synchronous = full`). */
export function openSqlite(file: string): Kysely<Database> {
  const directory = dirname(file)
  mkdirSync(directory, { recursive: true })
  const guard = lock(directory)
  try {
    const database = new DatabaseSync(file, { timeout: 5_000 })
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000; pragma cache_size = -65536')
    const wrapped = wrap(database, () => {
      database.close()
      guard.close()
    })
    return new Kysely<Database>({ dialect: new SqliteDialect({ database: wrapped }) })
  } catch (error) {
    guard.close()
    throw error
  }
}
