import { createIds, type Log, type Runtime } from '../runtime.ts'

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

export interface MovedClock {
  readonly runtime: Runtime
  /** Moves the clock, rings what falls due on the way at its own time, and lets what it started go on. */
  advance(ms: number): Promise<void>
}

/** A runtime whose time stands still until it is moved. */
export function createMovedClock({ startsAt = '2026-03-01T12:00:00Z', log = silentLog, dice = () => 0 } = {}): MovedClock {
  let nowMs = Date.parse(startsAt)
  const timers = new Set<{ atMs: number; run: () => void }>()

  const settle = async () => {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  }

  return {
    runtime: {
      now: () => new Date(nowMs),
      id: createIds(() => nowMs),
      random: dice,
      after(delayMs, run) {
        const timer = { atMs: nowMs + Math.max(0, delayMs), run }
        timers.add(timer)
        return () => timers.delete(timer)
      },
      log,
    },
    async advance(ms) {
      const endMs = nowMs + ms
      await settle()
      for (;;) {
        const due = [...timers].filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (due === undefined) break
        timers.delete(due)
        nowMs = Math.max(nowMs, due.atMs)
        due.run()
        await settle()
      }
      nowMs = endMs
      await settle()
    },
  }
}
