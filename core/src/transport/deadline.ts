import type { Runtime } from '../runtime.ts'

/** A signal that aborts with the caller's, or when the time is up. `done` must be called when the work has ended. */
export interface Deadline {
  readonly signal: AbortSignal
  expired(): boolean
  done(): void
}

/** By the runtime's clock, so that a test reaches the deadline by moving it. */
export function createDeadline({ runtime, signal, timeoutMs }: { runtime: Runtime; signal: AbortSignal; timeoutMs: number }): Deadline {
  const timer = new AbortController()
  let late = false
  const cancel = runtime.after(timeoutMs, () => {
    late = true
    timer.abort()
  })
  return { signal: AbortSignal.any([signal, timer.signal]), expired: () => late, done: cancel }
}
