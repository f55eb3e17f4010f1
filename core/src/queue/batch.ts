import { AppError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import type { Hint } from './queue.ts'

const flightsMax = 2

/** Rejects with UNAVAILABLE when `work` has not ended after `deadlineMs`; `work` goes on, and what becomes of it is nobody's business. */
export function within<T>(runtime: Runtime, deadlineMs: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = runtime.after(deadlineMs, () => reject(new AppError('UNAVAILABLE', `${what} took longer than ${deadlineMs} ms`)))
    work.then(resolve, reject).finally(cancel)
  })
}

/**
 * Collects the hints of one turn of the event loop, and of the time in which two writes are already under way, into one write.
 * Everybody of a write shares its end; a write that takes longer than `deadlineMs` is UNAVAILABLE.
 */
export function createBatcher(parts: { runtime: Runtime; deadlineMs: number; write(hints: readonly Hint[]): Promise<void> }) {
  let open: { hints: Hint[]; end: PromiseWithResolvers<void> } | null = null
  let flights = 0

  function flush(): void {
    if (open === null || flights >= flightsMax) return
    const { hints, end } = open
    open = null
    flights++
    within(parts.runtime, parts.deadlineMs, 'Adding to the queue', parts.write(hints))
      .then(end.resolve, end.reject)
      .finally(() => {
        flights--
        flush()
      })
  }

  return {
    add(hints: readonly Hint[]): Promise<void> {
      if (hints.length === 0) return Promise.resolve()
      if (open === null) {
        open = { hints: [], end: Promise.withResolvers<void>() }
        setImmediate(flush)
      }
      for (const hint of hints) open.hints.push(hint)
      return open.end.promise
    },
  }
}
