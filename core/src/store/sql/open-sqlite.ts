import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'
import type { Database } from './schema.ts'

const statementsMax = 500

/** What Kysely asks of a driver, over the one built into Node. Statements are prepared once: there are only so many texts. */
function wrap(database: DatabaseSync, close: () => void): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close,
    prepare(text) {
      const known = statements.get(text)
      if (known) return known
      const statement = database.prepare(text)
      const prepared: SqliteStatement = {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
      }
      if (statements.size >= statementsMax) statements.clear()
      statements.set(text, prepared)
      return prepared
    },
  }
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
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -65536; pragma temp_store = memory')
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
