import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import {
  borrowPostgres,
  findPostgres,
  hasRedis,
  type PostgresServer,
  type RedisServer,
  startPostgres,
  startRedis,
} from '@trunkline/core/testing/servers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type CrashWorld, createCrashWorld, handoverMs } from './rig/crash-world.ts'
import { createDice, seedOfRun } from './rig/dice.ts'
import { flushAll } from './rig/flush.ts'
import { freePort } from './rig/free-port.ts'
import { client, eventually, type HubProcess, startHub, tempDir } from './rig/hub.ts'
import { type Acked, type Load, post, startLoad } from './rig/load.ts'
import { allMessages, isSettled, settled, untold, violations } from './rig/verdict.ts'

const seed = seedOfRun()
const bin = findPostgres()
const borrowed = process.env.POSTGRES_TEST_URL
const canStore = borrowed !== undefined || bin !== null
const needs = canStore && hasRedis() ? '' : ' (skipped: needs redis-server, and postgres and initdb or POSTGRES_TEST_URL)'

interface Cluster {
  readonly url: string
  readonly world: CrashWorld
  api: HubProcess
  workers: HubProcess[]
  startApi(): Promise<void>
  startWorker(): Promise<HubProcess>
  close(): Promise<void>
}

let postgres: PostgresServer

/** One `ROLE=api` and two `ROLE=worker` on a database of their own. */
async function startCluster(name: string, extra: Record<string, string>, plan: { count: number; limit: number }): Promise<Cluster> {
  const [dir, port, database] = [tempDir(), await freePort(), await postgres.database(name)]
  const url = `http://127.0.0.1:${port}`
  const env = {
    ...{ DATA_DIR: dir.path, DATABASE_URL: database, ENCRYPTION_KEY: randomBytes(32).toString('base64'), ALLOW_PRIVATE_ADDRESSES: 'true' },
    ...{ SWEEP_EVERY_MS: '1000', HEALTH_EVERY_MS: '1000', UNKNOWN_OUTCOME_DEADLINE_MS: '6000', WEBHOOK_RETRY_SCHEDULE_MS: '300,600,1200,2400' },
    ...extra,
  }
  const startApi = () => startHub({ ...env, ROLE: 'api', PORT: String(port) })
  const startWorker = () => startHub({ ...env, ROLE: 'worker' })
  const api = await startApi()
  const workers = await Promise.all([startWorker(), startWorker()])
  const world = await createCrashWorld({ call: client(url), url, ...plan })
  const cluster: Cluster = {
    url,
    world,
    api,
    workers,
    async startApi() {
      cluster.api = await startApi()
    },
    startWorker,
    async close() {
      await Promise.all([cluster.api, ...cluster.workers].map((hub) => hub.kill()))
      await world.close()
      dir.remove()
    },
  }
  onTestFinished(cluster.close)
  return cluster
}

/** Gone when the test is, as the cluster is: whatever becomes of the test. */
async function ownRedis(): Promise<RedisServer> {
  const redis = await startRedis()
  onTestFinished(redis.stop)
  return redis
}

async function judged(
  cluster: Cluster,
  load: Load,
  kills: readonly number[],
  more: { handoverMs?: number; stops?: Map<string, number> } = {},
): Promise<string[]> {
  const { world, url } = cluster
  const messages = await settled(client(url), 60_000)
  await eventually(
    async () => untold(messages.values(), world.receiver.received),
    (left) => left.length === 0,
    45_000,
  ).catch(() => undefined)
  const limits = new Map(world.limit > 0 ? [[world.tight.id, world.limit]] : [])
  const evidence = { load, wishes: world.wishes, messages, ledger: world.bridge.ledger, received: world.receiver.received, kills, limits }
  return violations({ ...evidence, handoverMs: more.handoverMs ?? handoverMs, stops: more.stops ?? new Map() })
}

/** Kills the api or a worker, one after the other, while clients post; STOPs come after the deaths of the api. */
async function killLoop(cluster: Cluster, load: Load, victims: readonly ('api' | 0 | 1)[]) {
  const dice = createDice(seed)
  const kills: number[] = []
  const stops = new Map<string, number>()
  const wrong: Acked[] = []
  for (const victim of victims) {
    await wait(200 + dice() * 1_200)
    if (victim === 'api') {
      await cluster.api.kill()
      kills.push(Date.now())
      await cluster.startApi()
      for (const one of load.acked.slice(-3)) {
        const answer = await post(client(cluster.url), one.wish)
        if (answer.body?.message?.id !== one.id) wrong.push(one)
      }
      const leaving = cluster.world.leaving[stops.size]
      if (leaving !== undefined) stops.set(leaving, await cluster.world.stop(cluster.url, leaving))
    } else {
      await cluster.workers[victim]?.kill()
      kills.push(Date.now())
      cluster.workers[victim] = await cluster.startWorker()
    }
  }
  return { kills, stops, wrong }
}

beforeAll(async () => {
  if (borrowed !== undefined) postgres = borrowPostgres(borrowed)
  else if (bin !== null) postgres = await startPostgres({ bin })
})
afterAll(async () => {
  if (canStore) await postgres.stop()
})

describe.skipIf(needs !== '')(`PostgreSQL and Redis, one api and two workers (CRASH_SEED=${seed})${needs}`, () => {
  test('api and workers killed in turn: nothing lost, nothing doubled, limits and STOPs kept', { timeout: 180_000 }, async () => {
    const redis = await ownRedis()
    const cluster = await startCluster('kills', { REDIS_URL: redis.url }, { count: 160, limit: 8 })
    const load = startLoad({ url: cluster.url, wishes: cluster.world.wishes, clients: 6, paceMs: 120 })
    const { kills, stops, wrong } = await killLoop(cluster, load, ['api', 0, 1, 'api', 0, 1, 'api', 0])
    await load.done
    expect(await judged(cluster, load, kills, { stops })).toEqual([])
    expect(wrong).toEqual([])
  })

  test('FLUSHALL, a Redis that dies and comes back: accepting never stops, and everything ends', { timeout: 120_000 }, async () => {
    const redis = await ownRedis()
    const cluster = await startCluster('redis', { REDIS_URL: redis.url }, { count: 300, limit: 0 })
    const load = startLoad({ url: cluster.url, wishes: cluster.world.wishes, clients: 6, paceMs: 120 })
    await eventually(
      async () => load.acked.length,
      (count) => count > 60,
    )
    await flushAll(redis)
    await eventually(
      async () => load.acked.length,
      (count) => count > 120,
    )
    await redis.kill()
    const before = load.acked.length
    // Accepting goes on without a queue: every answer of this time is a 201.
    await eventually(
      async () => load.acked.length,
      (count) => count > before + 60,
    )
    expect(load.broken).toEqual([])
    await redis.restart()
    await load.done
    expect(await judged(cluster, load, [])).toEqual([])
    expect(load.broken).toEqual([])
  })

  test('with the sweep as it comes (30 s), a wiped Redis has everything queued again within 30 s', { timeout: 90_000 }, async () => {
    const redis = await ownRedis()
    const cluster = await startCluster('wiped', { REDIS_URL: redis.url, SWEEP_EVERY_MS: '30000' }, { count: 0, limit: 0 })
    // Both workers stand still, so that everything accepted lies in Redis when that is wiped.
    for (const worker of cluster.workers) process.kill(worker.pid, 'SIGSTOP')
    const wishes = Array.from({ length: 40 }, (_, n) => ({ number: n + 1, to: `+1415556${String(1_000 + n)}`, lineId: cluster.world.open.id }))
    const load = startLoad({ url: cluster.url, wishes, clients: 6, paceMs: 0 })
    await load.done
    await flushAll(redis)
    const from = performance.now()
    for (const worker of cluster.workers) process.kill(worker.pid, 'SIGCONT')
    await eventually(
      () => allMessages(client(cluster.url)),
      (messages) => messages.size === wishes.length && [...messages.values()].every(isSettled),
      45_000,
    )
    // Queued again within 30 s; sending them is a matter of a second.
    expect(performance.now() - from).toBeLessThan(33_000)
    expect(cluster.world.bridge.ledger).toHaveLength(wishes.length)
  })

  test('a worker that stands still longer than its lock sends nothing twice when it goes on; a dead one is replaced within 15 s', {
    timeout: 120_000,
  }, async () => {
    const redis = await ownRedis()
    const cluster = await startCluster('still', { REDIS_URL: redis.url, SWEEP_EVERY_MS: '60000' }, { count: 120, limit: 0 })
    const load = startLoad({ url: cluster.url, wishes: cluster.world.wishes, clients: 6, paceMs: 100 })
    await eventually(
      async () => load.acked.length,
      (count) => count > 20,
    )
    const [still, dying] = cluster.workers
    if (!still || !dying) throw new Error('there are two workers')
    process.kill(still.pid, 'SIGSTOP')
    const stoppedAt = Date.now()
    // Eight seconds is the lock (bullmq-jobs.ts); the stalled jobs are taken by the other worker meanwhile.
    await wait(10_000)
    process.kill(still.pid, 'SIGCONT')
    await load.done
    const killedAt = Date.now()
    const late = startLoad({
      ...{ url: cluster.url, clients: 6, paceMs: 0 },
      wishes: Array.from({ length: 30 }, (_, n) => ({ number: 10_000 + n, to: `+1415557${String(1_000 + n)}`, lineId: cluster.world.open.id })),
    })
    await eventually(
      async () => cluster.world.bridge.ledger.some(({ address }) => address.startsWith('+1415557')),
      (begun) => begun,
      20_000,
      5,
    )
    await dying.kill()
    await late.done
    await eventually(
      () => allMessages(client(cluster.url)),
      (messages) => late.acked.every(({ id }) => ['sent', 'delivered', 'sending', 'failed'].includes(messages.get(id)?.status ?? '')),
      15_000,
    )
    const both: Load = { ...load, acked: [...load.acked, ...late.acked] }
    const world = { ...cluster.world, wishes: [...cluster.world.wishes, ...both.acked.slice(load.acked.length).map(({ wish }) => wish)] }
    // What was in hand when it stood still is as unknown as after a death.
    expect(await judged({ ...cluster, world }, both, [stoppedAt, killedAt, Date.now()], { handoverMs: 20_000 })).toEqual([])
  })
})

describe.skipIf(!canStore)(
  `PostgreSQL alone, one api and two workers (CRASH_SEED=${seed})${canStore ? '' : ' (skipped: needs postgres and initdb or POSTGRES_TEST_URL)'}`,
  () => {
    test('workers killed in turn: nothing lost, nothing doubled', { timeout: 150_000 }, async () => {
      const cluster = await startCluster('alone', {}, { count: 60, limit: 5 })
      const load = startLoad({ url: cluster.url, wishes: cluster.world.wishes, clients: 4, paceMs: 120 })
      // Keys whose api died wait a minute for their claim to grow old: once, above, is enough of that.
      const { kills, stops } = await killLoop(cluster, load, [0, 1, 0])
      await load.done
      expect(await judged(cluster, load, kills, { stops })).toEqual([])
    })
  },
)
