import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLog } from '../testing/moved-clock.ts'
import { queueServerSuite } from '../testing/queue-server-suite.ts'
import { openServerWorld, realRuntime } from '../testing/queue-server-world.ts'
import { createTally, handlersWith, hintFor, idsOf, queueSuite } from '../testing/queue-suite.ts'
import { hasRedis, type RedisServer, startRedis } from '../testing/servers/redis.ts'
import { createRedisQueue } from './bullmq.ts'

const borrowed = process.env.REDIS_TEST_URL
const here = borrowed !== undefined || hasRedis()

describe.skipIf(!here)(here ? 'BullMQ on Redis' : 'BullMQ on Redis (skipped: set REDIS_TEST_URL or put redis-server on the PATH)', () => {
  let own: RedisServer | null = null
  let url = borrowed ?? ''
  let worlds = 0
  beforeAll(async () => {
    if (borrowed !== undefined) return
    own = await startRedis()
    url = own.url
  })
  afterAll(() => own?.stop())

  async function openWorld() {
    const prefix = `{trunkline-test-${process.pid}-${worlds++}}`
    const admin = new Redis(url)
    const wipe = async () => {
      const keys = await admin.keys(`${prefix}*`)
      if (keys.length > 0) await admin.unlink(...keys)
    }
    const world = await openServerWorld({
      url,
      port: 6379,
      open: (proxied) => createRedisQueue({ url: proxied, log: silentLog, runtime: realRuntime, prefix }),
      wipe,
      childArgs: ['redis', url, prefix],
    })
    return {
      ...world,
      async close() {
        await world.close()
        await wipe()
        admin.disconnect()
      },
    }
  }

  queueSuite('BullMQ on Redis', openWorld)
  queueServerSuite('BullMQ on Redis', openWorld)
})

describe.skipIf(!hasRedis())('a Redis of our own', () => {
  test('killed, started again and flushed, it serves the same queue', async () => {
    const redis = await startRedis()
    const queue = await createRedisQueue({ url: redis.url, log: silentLog, runtime: realRuntime })
    try {
      const tally = createTally([...idsOf(60, 'before'), ...idsOf(60, 'after'), ...idsOf(60, 'flushed')])
      const seen = (prefix: string) => expect.poll(() => [...tally.runs.keys()].filter((id) => id.startsWith(prefix)).length, { timeout: 15_000 })
      const taken = (prefix: string) =>
        expect.poll(() => queue.add(idsOf(60, prefix).map((id) => hintFor(id))).then(() => 'taken', String), { timeout: 10_000 }).toBe('taken')
      await queue.work(handlersWith(async ({ id }) => tally.note(id)))
      await taken('before')
      await seen('before').toBe(60)
      await redis.restart()
      await taken('after')
      await seen('after').toBe(60)
      const admin = new Redis(redis.url)
      await admin.flushall()
      admin.disconnect()
      await taken('flushed')
      await tally.all
    } finally {
      await queue.stop(0)
      await redis.stop()
    }
  }, 40_000)

  test('a lost lock aborts what runs, and the hint is not added once more by who lost it', async () => {
    const redis = await startRedis()
    const queue = await createRedisQueue({ url: redis.url, log: silentLog, runtime: realRuntime })
    const admin = new Redis(redis.url)
    try {
      const [started, aborted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      await queue.work(
        handlersWith(async (_, signal) => {
          started.resolve()
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
          aborted.resolve()
          throw new Error('broken off')
        }, 1),
      )
      await queue.add([hintFor('msg_1')])
      await started.promise
      const [lock = ''] = await admin.keys('*:lock')
      await admin.set(lock, 'somebody else', 'PX', 60_000)
      await aborted.promise
      expect((await queue.depth()).delayed).toBe(0)
    } finally {
      await queue.stop(0)
      admin.disconnect()
      await redis.stop()
    }
  }, 20_000)

  test('one that would lose jobs is refused before anything is queued on it', async () => {
    const redis = await startRedis({ appendonly: false })
    try {
      await expect(createRedisQueue({ url: redis.url, log: silentLog, runtime: realRuntime })).rejects.toThrow('appendonly is "no"')
    } finally {
      await redis.stop()
    }
  })

  test('keys lie under one hash tag, and nothing of a finished job stays', async () => {
    const redis = await startRedis()
    const queue = await createRedisQueue({ url: redis.url, log: silentLog, runtime: realRuntime })
    const admin = new Redis(redis.url)
    try {
      const tally = createTally(idsOf(500))
      await queue.work(handlersWith(async ({ id }) => tally.note(id)))
      await queue.add(idsOf(500).map((id) => hintFor(id)))
      await tally.all
      await expect.poll(async () => (await admin.keys('*')).filter((key) => key.includes('job_'))).toEqual([])
      expect((await admin.keys('*')).every((key) => key.startsWith('{trunkline}:'))).toBe(true)
    } finally {
      await queue.stop(0)
      admin.disconnect()
      await redis.stop()
    }
  })
})
