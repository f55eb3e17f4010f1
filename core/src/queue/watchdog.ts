import type { Log, Runtime } from '../runtime.ts'

const lookEveryMs = 2_000
const silentMs = 5_000

export interface Watched {
  /** Hints in hand right now. */
  busy(): number
  /** When the worker last took or finished a job, or was opened. */
  progressAt(): Date
  /** Whether jobs wait that a worker should have taken by now. */
  waiting(): Promise<boolean>
  reopen(): void
}

/**
 * After some reconnects a BullMQ worker believes it waits and never fetches again, without an error. So: when jobs wait, and this worker has nothing
 * in hand and has been silent for five seconds, twice in a row, it is opened anew. Costs a question to the server only while the worker is silent.
 * Returns how to stop watching.
 */
export function watch(parts: { runtime: Runtime; log: Log; kind: string; worker: Watched }): () => void {
  const { runtime, log, kind, worker } = parts
  let suspicious = false
  let stopped = false
  let cancel = runtime.after(lookEveryMs, () => void look())

  async function look(): Promise<void> {
    const silent = worker.busy() === 0 && runtime.now().getTime() - worker.progressAt().getTime() >= silentMs
    // A server that cannot be asked is away: then the worker is silent for a good reason.
    const stuck = silent && (await worker.waiting().catch(() => false))
    if (stopped) return
    if (stuck && suspicious) {
      log.warn({ kind, progressAt: worker.progressAt() }, 'queue.worker.reopened')
      worker.reopen()
    }
    suspicious = stuck && !suspicious
    cancel = runtime.after(lookEveryMs, () => void look())
  }

  return () => {
    stopped = true
    cancel()
  }
}
