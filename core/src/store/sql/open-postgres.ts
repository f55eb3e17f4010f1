import { CompiledQuery, Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, type PostgresQueryResult } from 'kysely'
import pg from 'pg'
import type { Log } from '../../runtime.ts'
import type { Database } from './schema.ts'
import { SteadyClient } from './steady-client.ts'

const namesMax = 500
const int8 = 20

/**
 * Settings of each connection. Every statement here is meant to go by an index, but prepared plans are kept from when the tables were
 * small, and then read a whole table per batch; without the other ways to plan, they cannot. Acknowledged means on disk. No statement
 * may hold a verb for ever: the server ends it, and should the server be silent, so does the client.
 */
const settings = [
  'statement_timeout = 15000',
  'enable_seqscan = off',
  'enable_hashjoin = off',
  'enable_mergejoin = off',
  'jit = off',
  'synchronous_commit = on',
]

/** A pool that names its statements, so that the server parses and plans each text once per connection. */
function nameStatements(pool: pg.Pool): PostgresPool {
  const names = new Map<string, string>()
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()

  function nameOf(text: string): string | undefined {
    const known = names.get(text)
    if (known !== undefined || names.size >= namesMax) return known
    const name = `tl${names.size}`
    names.set(text, name)
    return name
  }

  function wrap(client: pg.PoolClient): PostgresPoolClient {
    function query<R>(text: unknown, parameters?: readonly unknown[]): Promise<PostgresQueryResult<R>> {
      if (typeof text !== 'string') throw new Error('the store reads no cursors')
      const name = parameters !== undefined && parameters.length > 0 ? nameOf(text) : undefined
      return client.query({ text, values: [...(parameters ?? [])], name }) as unknown as Promise<PostgresQueryResult<R>>
    }
    return { query: query as PostgresPoolClient['query'], release: (destroy) => client.release(destroy) }
  }

  return {
    options: pool.options,
    async connect() {
      const client = await pool.connect()
      const known = clients.get(client)
      if (known) return known
      const wrapped = wrap(client)
      clients.set(client, wrapped)
      return wrapped
    },
    end: () => pool.end(),
  }
}

/** Connects at the first query. Dates and counts fit a double, so `bigint` is read as a number. */
export function openPostgres({ url, log, connectionsMax }: { url: string; log: Log; connectionsMax: number }): Kysely<Database> {
  const pool = new pg.Pool({
    Client: SteadyClient,
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: 10_000,
    query_timeout: 20_000,
    keepAlive: true,
    application_name: 'trunkline',
    types: { getTypeParser: (oid, format) => (oid === int8 ? Number : pg.types.getTypeParser(oid, format)) },
  })
  pool.on('error', (error) => log.warn({ error: error.message }, 'an idle connection to PostgreSQL was lost'))
  return new Kysely<Database>({
    dialect: new PostgresDialect({
      pool: nameStatements(pool),
      onCreateConnection: async (connection) => {
        await connection.executeQuery(CompiledQuery.raw(settings.map((setting) => `set ${setting}`).join('; ')))
      },
    }),
  })
}
