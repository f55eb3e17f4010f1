import { AppError } from '../errors.ts'
import type { Log, Runtime } from '../runtime.ts'
import { createBatcher, within } from './batch.ts'
import { type JobSpec, pack, unpack } from './pack.ts'
import { type Hint, type HintKind, hintKinds, type Queue } from './queue.ts'
import { createServerLane, type ServerLane } from './server-lane.ts'
import { watch } from './watchdog.ts'

/** A job takes longer to be written than this only when the server is away or hangs. */
const addDeadlineMs = 2_000
/** What runs may still write down why it was broken off; connections may still say goodbye. */
const graceMs = 1_000
/** Packed jobs that are opened to count what is in them; beyond, depth is an estimate. */
const sampledMax = 20

export interface ServerWorker {
  /** Takes no more jobs; resolves when those in hand are settled. May never. */
  close(): Promise<void>
  /** Lets go of the connections, whatever becomes of what they were used for. */
  drop(): void
}

export interface ServerJob {
  readonly id: string
  readonly data: unknown
  readonly urgent: boolean
  readonly signal: AbortSignal
}

/** What a job server must be able to do: BullMQ's face, one of it per server it runs on. */
export interface JobServer {
  /** Null when it can be talked to, else why not. */
  away(): string | null
  add(kind: HintKind, jobs: readonly JobSpec[]): Promise<void>
  counts(kind: HintKind): Promise<{ waiting: number; delayed: number }>
  /** What lies in the jobs that wait, of the first few. */
  sample(kind: HintKind, count: number): Promise<unknown[]>
  /** When the soonest delayed job is due; null when there is none. */
  soonest(kind: HintKind): Promise<Date | null>
  work(kind: HintKind, concurrency: number, process: (job: ServerJob) => Promise<void>): ServerWorker
  close(): Promise<void>
}

/** The queue on a server: packs hints into jobs, runs what is in them, keeps the promises of the port when the server is away. */
export function createServerQueue({ runtime, log, server }: { runtime: Runtime; log: Log; server: JobServer }): Queue {
  let stopped: Promise<void> | null = null
  let closed = false
  const lanes = new Map<HintKind, { lane: ServerLane; worker: ServerWorker; unwatch(): void }>()
  const batcher = createBatcher({
    runtime,
    deadlineMs: addDeadlineMs,
    async write(hints) {
      await Promise.all([...pack(hints, runtime.now())].map(([kind, jobs]) => server.add(kind, jobs)))
    },
  })

  async function add(hints: readonly Hint[]): Promise<void> {
    const away = closed ? 'it is stopped' : server.away()
    if (away !== null) throw new AppError('UNAVAILABLE', `The queue cannot be reached: ${away}`)
    await batcher.add(hints).catch((cause) => {
      if (cause instanceof AppError) throw cause
      throw new AppError('UNAVAILABLE', 'The queue did not take the hints', { cause })
    })
  }

  async function overdue(kind: HintKind): Promise<boolean> {
    const [{ waiting }, soonest] = await within(runtime, addDeadlineMs, 'Asking the queue', Promise.all([server.counts(kind), server.soonest(kind)]))
    return waiting > 0 || (soonest !== null && soonest <= runtime.now())
  }

  async function depthOf(kind: HintKind): Promise<{ waiting: number; delayed: number }> {
    const { waiting: jobs, delayed } = await server.counts(kind)
    if (jobs === 0) return { waiting: 0, delayed }
    const sizes = (await server.sample(kind, sampledMax)).map((data) => unpack(data)?.length ?? 0)
    const seen = sizes.reduce((sum, size) => sum + size, 0)
    return { waiting: sizes.length < sampledMax ? seen : Math.round((seen * jobs) / sizes.length), delayed }
  }

  async function settle(deadlineMs: number): Promise<void> {
    const all = [...lanes.values()]
    for (const { lane, unwatch } of all) {
      unwatch()
      lane.close()
    }
    const ended = Promise.all(all.map(({ worker }) => worker.close()))
    await within(runtime, deadlineMs, 'Finishing', ended).catch(async () => {
      for (const { lane } of all) lane.abort()
      await within(runtime, graceMs, 'Breaking off', ended).catch((why) => log.warn({ why: String(why) }, 'queue.stop.broken_off'))
    })
    closed = true
    for (const { worker } of all) worker.drop()
    await within(runtime, graceMs, 'Closing', server.close()).catch((why) => log.warn({ why: String(why) }, 'queue.close.broken_off'))
  }

  return {
    add,
    async work(handlers) {
      if (lanes.size > 0) throw new Error('The queue works already')
      if (stopped !== null) throw new Error('The queue is stopped')
      for (const kind of hintKinds) {
        const handler = handlers[kind]
        const lane = createServerLane({ kind, handler, runtime, log, addJobs: server.add })
        // As many jobs as hints: when all are in hand, each has a hint that runs, so a slow hint of a full job never leaves a place idle.
        const open = () => server.work(kind, handler.concurrency, lane.process)
        let openedAt = runtime.now()
        const entry = { lane, worker: open(), unwatch: () => {} }
        lanes.set(kind, entry)
        entry.unwatch = watch({
          runtime,
          log,
          kind,
          worker: {
            busy: lane.busy,
            progressAt: () => new Date(Math.max(lane.progressAt().getTime(), openedAt.getTime())),
            waiting: () => overdue(kind),
            reopen() {
              const silent = entry.worker
              entry.worker = open()
              openedAt = runtime.now()
              void within(runtime, graceMs, 'Closing', silent.close())
                .catch(() => undefined)
                .then(() => silent.drop())
            },
          },
        })
      }
    },
    async depth() {
      const depths = await within(runtime, addDeadlineMs, 'Asking the queue', Promise.all(hintKinds.map(depthOf)))
      return depths.reduce((sum, one) => ({ waiting: sum.waiting + one.waiting, delayed: sum.delayed + one.delayed }))
    },
    stop(deadlineMs) {
      stopped ??= settle(deadlineMs)
      return stopped
    },
  }
}
