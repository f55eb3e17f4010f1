export { createPostgresStores, createSqliteStores } from './open.ts'
export { SteadyClient } from './steady-client.ts'
