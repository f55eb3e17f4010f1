export { borrowPostgres, findPostgres, type PostgresServer, startPostgres } from './postgres.ts'
export { freePort, hasRedis, type RedisServer, startRedis } from './redis.ts'
