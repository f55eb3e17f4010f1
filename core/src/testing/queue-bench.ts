import { Queue as BullQueue, createPostgresBackend, Worker } from 'bullmq'
import { createPostgresQueue, createRedisQueue } from '../queue/bullmq.ts'
import { createMemoryQueue } from '../queue/memory.ts'
import type { Handler, Queue } from '../queue/queue.ts'
import { createRuntime } from '../runtime.ts'
import { silentLog } from './moved-clock.ts'
import { findPostgres, startPostgres } from './servers/postgres.ts'
import { hasRedis, startRedis } from './servers/redis.ts'

// node core/src/testing/queue-bench.ts [count]: bare BullMQ beside ours, per second, on servers of its own, in one run.

const count = Number(process.argv[2] ?? 20_000)
const runtime = createRuntime(silentLog)

/** What of BullMQ is measured, whatever it runs on. */
type BarePair = {
  queue: Pick<BullQueue<number, void, string>, 'add' | 'addBulk' | 'waitUntilReady' | 'close'>
  work(run: () => Promise<void>): Pick<Worker<number, void, string>, 'close'>
}

async function perSecond(amount: number, work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return Math.round(amount / ((performance.now() - before) / 1_000))
}

async function bare({ queue, work }: BarePair, size: number): Promise<Record<string, number>> {
  const opts = { removeOnComplete: true, removeOnFail: true }
  await queue.waitUntilReady()
  const oneByOne = await perSecond(size, () => Promise.all(Array.from({ length: size }, (_, i) => queue.add('job', i, opts))))
  const bulk = await perSecond(size, async () => {
    for (let i = 0; i < size; i += 500) await queue.addBulk(Array.from({ length: 500 }, (_, j) => ({ name: 'job', data: i + j, opts })))
  })
  const all = Promise.withResolvers<void>()
  let done = 0
  const total = size + Math.ceil(size / 500) * 500
  let worker: Pick<Worker, 'close'> | undefined
  const processed = await perSecond(total, () => {
    worker = work(async () => {
      if (++done === total) all.resolve()
    })
    return all.promise
  })
  await worker?.close()
  await queue.close()
  return { 'add, in parallel': oneByOne, 'addBulk of 500': bulk, process: processed }
}

async function ours(queue: Queue, size: number): Promise<Record<string, number>> {
  const hint = (i: number) => ({
    kind: 'message' as const,
    workspaceId: 'ws_01HZX3V9K2M4N6P8Q0R2S4T6V8',
    id: `msg_01HZX3V9K2M4N6P8Q0R2S${String(i).padStart(6, '0')}`,
  })
  const added = await perSecond(size, () => Promise.all(Array.from({ length: size }, (_, i) => queue.add([hint(i)]))))
  const bulk = await perSecond(size, async () => {
    for (let i = 0; i < size; i += 500) await queue.add(Array.from({ length: 500 }, (_, j) => hint(size + i + j)))
  })
  const all = Promise.withResolvers<void>()
  let done = 0
  const total = size + Math.ceil(size / 500) * 500
  const idle: Handler = { concurrency: 1, run: async () => {} }
  const message: Handler = {
    concurrency: 50,
    async run() {
      if (++done === total) all.resolve()
    },
  }
  const processed = await perSecond(total, async () => {
    await queue.work({ message, delivery: idle, relay: idle, job: idle })
    await all.promise
  })
  await queue.stop(1_000)
  return { 'add, in parallel': added, 'addBulk of 500': bulk, process: processed }
}

const rows: Record<string, Record<string, number>> = {}
rows['ours, in the process'] = await ours(createMemoryQueue({ runtime, log: silentLog }), count)

if (hasRedis()) {
  const redis = await startRedis()
  const connection = { host: '127.0.0.1', port: redis.port }
  const work = (run: () => Promise<void>) => new Worker<number, void, string>('bare', run, { connection, concurrency: 50 })
  rows['bare BullMQ, Redis'] = await bare({ queue: new BullQueue<number, void, string>('bare', { connection }), work }, count)
  rows['ours, Redis'] = await ours(await createRedisQueue({ url: redis.url, log: silentLog, runtime }), count)
  await redis.stop()
}

const bin = findPostgres()
if (bin !== null) {
  const postgres = await startPostgres({ bin })
  const connection = { connectionString: postgres.url, migrate: true }
  const size = Math.ceil(count / 10)
  const work = (run: () => Promise<void>) => new Worker('bare', run, { connection, concurrency: 50 }, createPostgresBackend)
  rows['bare BullMQ, PostgreSQL'] = await bare({ queue: new BullQueue('bare', { connection }, createPostgresBackend), work }, size)
  rows['ours, PostgreSQL'] = await ours(await createPostgresQueue({ url: postgres.url, log: silentLog, runtime }), size)
  await postgres.stop()
}

console.table(rows)
