import { Queue as BullQueue, createPostgresBackend, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { AppError } from '../errors.ts'
import type { Log, Runtime } from '../runtime.ts'
import { createComplaint, createJobServer, type Producer, queueOptions, workerOptions } from './bullmq-jobs.ts'
import type { Packed } from './pack.ts'
import { type HintKind, hintKinds, type Queue } from './queue.ts'
import { checkRedis } from './redis-check.ts'
import { createServerQueue } from './server-queue.ts'

/**
 * BullMQ on Redis. Rejects when that Redis cannot be reached, may evict keys or writes nothing down. Jobs lie under `{trunkline}`, tagged so that
 * all of them are on one node of a cluster.
 */
export async function createRedisQueue(parts: { url: string; log: Log; runtime: Runtime; prefix?: string }): Promise<Queue> {
  const { url, log, runtime, prefix = '{trunkline}' } = parts
  await checkRedis(url)
  const complain = createComplaint(log, runtime)
  const base = { keepAlive: 10_000, connectTimeout: 3_000, lazyConnect: true, retryStrategy: (times: number) => Math.min(50 * times, 1_000) }
  // The producer fails at once when Redis is away; the workers wait for it for ever. So each has its own connection.
  const producing = new Redis(url, { ...base, enableOfflineQueue: false, maxRetriesPerRequest: 1, socketTimeout: 5_000 })
  const working = new Redis(url, { ...base, maxRetriesPerRequest: null })
  producing.on('error', (error) => complain('producer', error))
  working.on('error', (error) => complain('worker', error))
  await producing.connect()
  const producers = byKind((kind) => new BullQueue<readonly Packed[], void, string>(kind, { ...queueOptions, prefix, connection: producing }))
  for (const kind of hintKinds) {
    producers[kind].on('error', (error) => complain(kind, error))
    await producers[kind].waitUntilReady()
  }
  return createServerQueue({
    runtime,
    log,
    server: createJobServer({
      runtime,
      producers,
      complain,
      away: () => (producing.status === 'ready' ? null : `the connection to Redis is ${producing.status}`),
      open: (kind, process, concurrency) =>
        new Worker<readonly Packed[], void, string>(kind, process, { ...workerOptions, concurrency, prefix, connection: working }),
      async close() {
        producing.disconnect()
        working.disconnect()
      },
    }),
  })
}

/**
 * BullMQ on PostgreSQL (13 or newer), in the schema `trunkline_queue`, which it makes and brings up to date. Rejects with UNAVAILABLE when that server
 * cannot be reached. `client`: the class of the connections in its pools, when it is not to be the driver's own.
 */
export async function createPostgresQueue(parts: { url: string; log: Log; runtime: Runtime; client?: unknown }): Promise<Queue> {
  const { url, log, runtime, client } = parts
  const complain = createComplaint(log, runtime)
  const connection = {
    connectionString: url,
    schema: 'trunkline_queue',
    // Hints may be lost, the store may not: waiting for the disk would buy nothing here.
    options: '-c synchronous_commit=off -c jit=off',
    keepAlive: true,
    connectionTimeoutMillis: 2_000,
    ...(client === undefined ? {} : { Client: client }),
  }
  const producers = byKind(
    (kind) =>
      new BullQueue(kind, { ...queueOptions, connection: { ...connection, migrate: true, max: 2, query_timeout: 5_000 } }, createPostgresBackend),
  )
  for (const kind of hintKinds) producers[kind].on('error', (error) => complain(kind, error))
  try {
    for (const kind of hintKinds) await producers[kind].waitUntilReady()
  } catch (cause) {
    await closeAll(producers)
    throw new AppError('UNAVAILABLE', 'The queue cannot be opened on PostgreSQL', { cause })
  }
  return createServerQueue({
    runtime,
    log,
    server: createJobServer({
      runtime,
      producers,
      complain,
      away: () => null,
      open: (kind, process, concurrency) =>
        new Worker(kind, process, { ...workerOptions, concurrency, connection: { ...connection, max: 3 } }, createPostgresBackend),
      close: () => closeAll(producers),
    }),
  })
}

async function closeAll(producers: Record<HintKind, Pick<Producer, 'close'>>): Promise<void> {
  await Promise.all(hintKinds.map((kind) => producers[kind].close()))
}

function byKind<T>(make: (kind: HintKind) => T): Record<HintKind, T> {
  return { message: make('message'), delivery: make('delivery'), relay: make('relay'), job: make('job') }
}
