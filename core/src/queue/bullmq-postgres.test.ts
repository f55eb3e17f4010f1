import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SteadyClient } from '../store/sql/steady-client.ts'
import { silentLog } from '../testing/moved-clock.ts'
import { queueServerSuite } from '../testing/queue-server-suite.ts'
import { openServerWorld, realRuntime } from '../testing/queue-server-world.ts'
import { queueSuite } from '../testing/queue-suite.ts'
import { borrowPostgres, findPostgres, type PostgresServer, startPostgres } from '../testing/servers/postgres.ts'
import { freePort } from '../testing/servers/redis.ts'
import { createPostgresQueue } from './bullmq.ts'

const borrowed = process.env.POSTGRES_TEST_URL
const bin = findPostgres()
const here = borrowed !== undefined || bin !== null

describe.skipIf(!here)(here ? 'BullMQ on PostgreSQL' : 'BullMQ on PostgreSQL (skipped: set POSTGRES_TEST_URL or install initdb and postgres)', () => {
  let server: PostgresServer
  let worlds = 0
  beforeAll(async () => {
    server = borrowed !== undefined ? borrowPostgres(borrowed) : await startPostgres({ bin: bin ?? '' })
  }, 60_000)
  afterAll(() => server.stop())

  async function openWorld() {
    const url = await server.database(`queue_${worlds++}`)
    return openServerWorld({
      url,
      port: 5432,
      open: (proxied) => createPostgresQueue({ url: proxied, log: silentLog, runtime: realRuntime, client: SteadyClient }),
      async wipe() {
        const client = new pg.Client({ connectionString: url })
        await client.connect()
        await client.query('delete from trunkline_queue.job')
        await client.end()
      },
      childArgs: ['postgres', url],
    })
  }

  queueSuite('BullMQ on PostgreSQL', openWorld)
  queueServerSuite('BullMQ on PostgreSQL', openWorld)

  test('several processes may open an empty database at once', async () => {
    const url = await server.database('queue_boot')
    const queues = await Promise.all([1, 2, 3].map(() => createPostgresQueue({ url, log: silentLog, runtime: realRuntime, client: SteadyClient })))
    expect(await queues[2]?.depth()).toEqual({ waiting: 0, delayed: 0 })
    await Promise.all(queues.map((queue) => queue.stop(0)))
  })
})

test('a PostgreSQL that cannot be reached is told as such, without its password', async () => {
  const url = `postgres://somebody:secret@127.0.0.1:${await freePort()}/none`
  const opening = createPostgresQueue({ url, log: silentLog, runtime: realRuntime, client: SteadyClient })
  await expect(opening).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.not.stringContaining('secret') })
})
