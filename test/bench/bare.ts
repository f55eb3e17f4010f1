import { createPostgresBackend, Queue, Worker } from 'bullmq'
import { obey } from './child.ts'
import { monotonicMs } from './clock.ts'

// As a program of the benchmark: BullMQ by itself, with a processor that does nothing. The measuring stick beside every figure.

export interface Bare {
  addsPerSecond: number
  jobsPerSecond: number
  jobs: number
}

interface Job {
  kind: 'redis' | 'postgres'
  url: string
  jobs: number
  concurrency: number
}

async function measure({ kind, url, jobs, concurrency }: Job): Promise<Bare> {
  const name = 'bare'
  const keep = { removeOnComplete: true, removeOnFail: true }
  const pg = { connection: { connectionString: url, schema: 'bare_bullmq' } }
  const redis = { connection: { url, maxRetriesPerRequest: null } }
  const queue =
    kind === 'redis'
      ? new Queue(name, { ...redis, prefix: '{bare}', defaultJobOptions: keep })
      : new Queue(name, { connection: { ...pg.connection, migrate: true }, defaultJobOptions: keep }, createPostgresBackend)
  queue.on('error', () => undefined)
  await queue.waitUntilReady()
  const addFromMs = monotonicMs()
  for (let from = 0; from < jobs; from += 500) {
    await queue.addBulk(Array.from({ length: Math.min(500, jobs - from) }, (_, i) => ({ name: 'job', data: { id: `msg_${from + i}` } })))
  }
  const addMs = monotonicMs() - addFromMs

  const { promise: done, resolve } = Promise.withResolvers<void>()
  let left = jobs
  const process = async () => undefined
  const options = { concurrency, autorun: false, removeOnComplete: { count: 0 } }
  const worker =
    kind === 'redis'
      ? new Worker(name, process, { ...redis, prefix: '{bare}', ...options })
      : new Worker(name, process, { ...pg, ...options }, createPostgresBackend)
  worker.on('error', () => undefined)
  worker.on('completed', () => {
    left--
    if (left === 0) resolve()
  })
  await worker.waitUntilReady()
  const workFromMs = monotonicMs()
  void worker.run()
  await done
  const workMs = monotonicMs() - workFromMs
  // `close` may wait for ever on a server; the process that asked ends this one.
  void worker.close().catch(() => undefined)
  void queue.close().catch(() => undefined)
  return { addsPerSecond: (jobs / addMs) * 1_000, jobsPerSecond: (jobs / workMs) * 1_000, jobs }
}

const commands = { measure }
export type BareCommands = typeof commands

obey(commands)
