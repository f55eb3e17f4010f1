import type { Runtime } from './runtime.ts'

export interface Ticker {
  start(): void
  stop(): void
}

/**
 * Runs something every so often, the first time at once, never twice at a time. A timer in the process and not a job schedule in the
 * queue: it goes on when Redis is wiped, and several processes that tick do no harm.
 */
export function createTicker({ runtime, everyMs, run, name }: { runtime: Runtime; everyMs: number; run(): Promise<void>; name: string }): Ticker {
  let cancel: (() => void) | null = null
  let isStopped = true

  async function tick(): Promise<void> {
    try {
      await run()
    } catch (error) {
      runtime.log.warn({ error, ticker: name }, 'ticker.failed')
    }
    if (!isStopped) cancel = runtime.after(everyMs, () => void tick())
  }

  return {
    start() {
      if (!isStopped) return
      isStopped = false
      void tick()
    },
    stop() {
      isStopped = true
      cancel?.()
    },
  }
}
