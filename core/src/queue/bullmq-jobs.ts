import type { Queue as BullQueue, JobsOptions, Processor, Worker, WorkerOptions } from 'bullmq'
import type { Log, Runtime } from '../runtime.ts'
import type { JobSpec, Packed } from './pack.ts'
import type { HintKind } from './queue.ts'
import type { JobServer, ServerJob, ServerWorker } from './server-queue.ts'

const bulkMax = 500
const errorsEveryMs = 10_000
const reopenAfterMs = 1_000
const neverAborted = new AbortController().signal

/**
 * A killed worker's lock runs out after 8 s, and the two looks that then bring its jobs back are at most 5 s apart: 13 s at worst.
 * Being stalled is no fault of a hint, so twenty times is allowed; beyond, it is what kills the workers, and the sweeper may bring it again.
 */
export const workerOptions = {
  lockDuration: 8_000,
  stalledInterval: 2_500,
  maxStalledCount: 20,
  autorun: false,
  drainDelay: 5,
  // After a refused connection BullMQ would wait for 15 s.
  runRetryDelay: 1_000,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 100, age: 3_600 },
} satisfies Partial<WorkerOptions>

export const queueOptions = { streams: { events: { maxLen: 100 } }, defaultJobOptions: { removeOnComplete: true, removeOnFail: 100 } }

export type Producer = Pick<BullQueue<readonly Packed[], void, string>, 'addBulk' | 'getJobCounts' | 'getJobs' | 'close'>
export type Process = Processor<readonly Packed[], void, string>
export type Taker = Pick<Worker<readonly Packed[], void, string>, 'close' | 'cancelJob' | 'waitUntilReady' | 'run'> & {
  on(event: 'error', run: (error: Error) => void): unknown
  on(event: 'lockRenewalFailed', run: (jobIds: string[]) => void): unknown
  getBackend(): { close(force?: boolean): Promise<void> }
}

/** The face of a job server on BullMQ's queues and workers, whatever they run on. */
export function createJobServer(parts: {
  runtime: Runtime
  producers: Record<HintKind, Producer>
  complain(who: string, error: Error): void
  away(): string | null
  open(kind: HintKind, process: Process, concurrency: number): Taker
  close(): Promise<void>
}): JobServer {
  const { runtime, producers } = parts
  const toJob = ({ hints, jobId, delayMs, urgent }: JobSpec) => {
    const opts: JobsOptions = { jobId: jobId ?? runtime.id('job') }
    if (delayMs > 0) opts.delay = delayMs
    // BullMQ's priorities put jobs without one first and cost more per job; the other end of the list is where the next job is taken.
    if (urgent) opts.lifo = true
    return { name: 'hints', data: hints, opts }
  }
  return {
    away: parts.away,
    async add(kind, jobs) {
      for (let i = 0; i < jobs.length; i += bulkMax) await producers[kind].addBulk(jobs.slice(i, i + bulkMax).map(toJob))
    },
    async counts(kind) {
      const { waiting = 0, wait = 0, delayed = 0 } = await producers[kind].getJobCounts('wait', 'delayed')
      return { waiting: waiting + wait, delayed }
    },
    async sample(kind, count) {
      return (await producers[kind].getJobs(['wait'], 0, count - 1)).map((job) => job.data)
    },
    async soonest(kind) {
      const [job] = await producers[kind].getJobs(['delayed'], 0, 0, true)
      return job === undefined ? null : new Date(job.timestamp + job.delay)
    },
    work: (kind, concurrency, process) => openWorker({ ...parts, kind, concurrency, process }),
    close: parts.close,
  }
}

/**
 * Opens a worker, and another one a second later for as long as one cannot be opened. A worker is let run only once it is ready: on PostgreSQL it
 * remembers for ever that its first connection failed, and would then ask again without a pause, starving the whole process.
 */
function openWorker(parts: {
  kind: HintKind
  concurrency: number
  runtime: Runtime
  process(job: ServerJob): Promise<void>
  complain(who: string, error: Error): void
  open(kind: HintKind, process: Process, concurrency: number): Taker
}): ServerWorker {
  const { kind, concurrency, runtime } = parts
  const complain = (error: Error) => parts.complain(kind, error)
  // BullMQ counts the parameters: without a third one, and a default value does not count, there is no signal.
  const process: Process = (job, _token, signal) =>
    parts.process({ id: job.id ?? '', data: job.data, urgent: job.opts.lifo === true, signal: signal ?? neverAborted })
  let closing = false
  let cancelReopen = () => {}
  let worker = open()

  function open(): Taker {
    const opened = parts.open(kind, process, concurrency)
    opened.on('error', complain)
    // BullMQ only tells; the processor would go on beside the worker that has the job now.
    opened.on('lockRenewalFailed', (jobIds) => {
      for (const id of jobIds) opened.cancelJob(id, 'The lock was lost')
    })
    opened.waitUntilReady().then(
      () => (closing ? undefined : opened.run().catch(complain)),
      (error: Error) => {
        if (closing) return
        complain(error)
        drop(opened)
        cancelReopen = runtime.after(reopenAfterMs, () => {
          worker = open()
        })
      },
    )
    return opened
  }

  function drop(dropped: Taker): void {
    dropped.getBackend().close(true).catch(complain)
  }

  return {
    close() {
      closing = true
      cancelReopen()
      return worker.close()
    },
    drop: () => drop(worker),
  }
}

/** A server that is away is complained of many times a second: one line in ten seconds for each who complains tells as much. */
export function createComplaint(log: Log, runtime: Runtime): (who: string, error: Error) => void {
  const said = new Map<string, { atMs: number; since: number }>()
  return (who, error) => {
    const nowMs = runtime.now().getTime()
    const last = said.get(who)
    if (last !== undefined && nowMs - last.atMs < errorsEveryMs) {
      last.since++
      return
    }
    log.warn({ who, why: error.message, unsaid: last?.since ?? 0 }, 'queue.server.error')
    said.set(who, { atMs: nowMs, since: 0 })
  }
}
