import type { Log, Runtime } from '../runtime.ts'
import { retryDelayMs } from './backoff.ts'
import { type JobSpec, type Packed, retryJob, unpack } from './pack.ts'
import type { Handler, HintKind } from './queue.ts'
import { createSlots } from './slots.ts'

/** One kind of hint in one process, between the jobs of a server and the handler. */
export interface ServerLane {
  /** Runs the hints of a job beside each other. Resolves when each has run, waits to be tried again, or was given back. Never rejects. */
  process(job: { id: string; data: unknown; urgent: boolean; signal: AbortSignal }): Promise<void>
  /** Hints in hand, running or not. */
  busy(): number
  /** When a job last came or went. */
  progressAt(): Date
  /** Starts no more hints; what has not begun goes back to the server. */
  close(): void
  /** Breaks off what runs. */
  abort(): void
}

export function createServerLane(parts: {
  kind: HintKind
  handler: Handler
  runtime: Runtime
  log: Log
  addJobs(kind: HintKind, jobs: readonly JobSpec[]): Promise<void>
}): ServerLane {
  const { kind, handler, runtime, log } = parts
  const slots = createSlots(handler.concurrency)
  const stopping = new AbortController()
  let busy = 0
  let progressAt = runtime.now()

  async function run([workspaceId, id, before = 0]: Packed, urgent: boolean, signal: AbortSignal): Promise<'ran' | 'not begun' | JobSpec> {
    if (!(await slots.take(urgent ? 'urgent' : 'in turn'))) return 'not begun'
    try {
      await handler.run(urgent ? { kind, workspaceId, id, urgent } : { kind, workspaceId, id }, signal)
      return 'ran'
    } catch (cause) {
      const attempt = before + 1
      const delayMs = retryDelayMs(attempt, runtime.random())
      log.warn({ kind, workspaceId, id, attempt, delayMs, why: cause instanceof Error ? cause.message : String(cause) }, 'queue.hint.rejected')
      return delayMs === null ? 'ran' : retryJob([workspaceId, id], attempt, delayMs, runtime.now())
    } finally {
      slots.give()
    }
  }

  return {
    async process({ id, data, urgent, signal }) {
      progressAt = runtime.now()
      const hints = unpack(data)
      if (hints === null) {
        log.error({ kind, jobId: id }, 'queue.job.foreign')
        return
      }
      busy += hints.length
      const aborts = AbortSignal.any([signal, stopping.signal])
      const outcomes = await Promise.all(hints.map((hint) => run(hint, urgent, aborts).finally(() => busy--)))
      progressAt = runtime.now()
      // A lost lock means that another worker has the whole job by now: what it will do is not added once more.
      if (signal.aborted) return
      const back = hints.filter((_, i) => outcomes[i] === 'not begun')
      const jobs = outcomes.filter((outcome) => typeof outcome !== 'string')
      if (back.length > 0) jobs.push({ hints: back, delayMs: 0, urgent })
      if (jobs.length === 0) return
      await parts.addJobs(kind, jobs).catch((cause) => {
        log.warn({ kind, jobs: jobs.length, why: cause instanceof Error ? cause.message : String(cause) }, 'queue.hints.left_to_sweeper')
      })
    },
    busy: () => busy,
    progressAt: () => progressAt,
    close: () => slots.close(),
    abort: () => stopping.abort(new Error('The queue stops')),
  }
}
