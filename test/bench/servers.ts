import { findPostgres, hasRedis, type PostgresServer, type RedisServer, startPostgres, startRedis } from '@trunkline/core/testing/servers'
import { Redis } from 'ioredis'
import type { Way } from './options.ts'

/** The servers of this run, started when first needed and stopped at the end. */
export interface Servers {
  /** Why a way cannot run here, or null. */
  missing(way: Way): string | null
  readonly hasRedis: boolean
  /** The environment of a hub with an empty store and an empty queue. */
  fresh(way: Way): Promise<Record<string, string>>
  postgresUrl(): Promise<string>
  redisUrl(): Promise<string>
  /** Empties Redis, as a restart without its disk does. */
  wipeRedis(): Promise<void>
  stop(): Promise<void>
}

export function createServers(): Servers {
  const bin = findPostgres()
  const redisThere = hasRedis()
  let postgres: Promise<PostgresServer> | null = null
  let redis: Promise<RedisServer> | null = null
  let databases = 0
  let stopped = false

  async function postgresUrl(): Promise<string> {
    if (bin === null) throw new Error('there is no PostgreSQL on this machine')
    postgres ??= startPostgres({ bin })
    return (await postgres).database(`bench_${databases++}`)
  }
  async function redisUrl(): Promise<string> {
    redis ??= startRedis().then((server) => {
      process.once('exit', () => stopped || process.kill(server.pid, 'SIGKILL'))
      return server
    })
    return (await redis).url
  }
  async function wipeRedis(): Promise<void> {
    const client = new Redis(await redisUrl(), { lazyConnect: true })
    await client.connect()
    await client.flushall()
    client.disconnect()
  }

  return {
    hasRedis: redisThere,
    missing(way) {
      const lacking = [way !== 'embedded' && bin === null ? 'postgres and initdb' : '', way === 'redis' && !redisThere ? 'redis-server' : '']
      const names = lacking.filter((name) => name !== '')
      return names.length === 0 ? null : `no ${names.join(', no ')} on this machine`
    },
    async fresh(way) {
      if (way === 'embedded') return {}
      const env = { DATABASE_URL: await postgresUrl() }
      if (way === 'postgres') return env
      await wipeRedis()
      return { ...env, REDIS_URL: await redisUrl() }
    },
    postgresUrl,
    redisUrl,
    wipeRedis,
    async stop() {
      stopped = true
      await (await redis)?.stop()
      await (await postgres)?.stop()
    },
  }
}
