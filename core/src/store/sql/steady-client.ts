import pg from 'pg'

/**
 * A client of PostgreSQL whose lost connection is told by the query that fails, and never ends the process: `pg` emits `error` on a client
 * that is checked out too, where its pool does not listen, and Node ends a process over an `error` that nobody hears.
 */
export class SteadyClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    this.on('error', () => {})
  }
}
