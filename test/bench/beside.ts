import type { BareCommands } from './bare.ts'
import { startChild } from './child.ts'
import type { Way } from './options.ts'
import type { Servers } from './servers.ts'
import type { BareFigure } from './table.ts'

/** As many at once as the hub's own workers take. */
const concurrency = 256

/** Bare BullMQ where this way keeps its queue; beside the embedded hub, which has none, on Redis. Null: there is no Redis. */
export async function besideOf(way: Way, servers: Servers, seconds: number): Promise<BareFigure | null> {
  const onPostgres = way === 'postgres'
  if (!onPostgres && !servers.hasRedis) return null
  const kind = onPostgres ? 'postgres' : 'redis'
  const url = onPostgres ? await servers.postgresUrl() : await servers.redisUrl()
  const child = startChild<BareCommands>(new URL('bare.ts', import.meta.url))
  try {
    const jobs = Math.round(seconds * (onPostgres ? 2_000 : 10_000))
    const { jobsPerSecond } = await child.ask('measure', { kind, url, jobs, concurrency })
    return { name: onPostgres ? 'PostgreSQL' : 'Redis', jobsPerSecond }
  } finally {
    await child.stop()
  }
}
