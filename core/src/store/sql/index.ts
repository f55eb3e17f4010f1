export { createPostgresStores, createSqliteStores } from './open.ts'
