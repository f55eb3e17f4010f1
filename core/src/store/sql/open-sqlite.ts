import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { Database } from './schema.ts'
import { createSqliteDriver } from './sqlite-driver.ts'

/** Kysely would let one statement at a time through; the driver decides itself what may share a commit. */
class SharedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
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
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000; pragma cache_size = -65536')
    const driver = createSqliteDriver(database, () => guard.close())
    return new Kysely<Database>({
      dialect: {
        createDriver: () => driver,
        createQueryCompiler: () => new SqliteQueryCompiler(),
        createAdapter: () => new SharedAdapter(),
        createIntrospector: (db) => new SqliteIntrospector(db),
      },
    })
  } catch (error) {
    guard.close()
    throw error
  }
}
