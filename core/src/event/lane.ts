import type { Runtime } from '../runtime.ts'

/**
 * A lane keeps one consumer from delaying another. It bounds how many attempts run at once, gives the shared worker slots back when an
 * attempt is slow, puts off what does not fit, and while the consumer fails lets through no more than a trickle (hardening.md F19).
 */
export interface Lanes {
  /** Waits only where the consumer is quick, so that the queue feels its speed; else answers at once when to come again. */
  admit(key: string): Promise<Admission>
  /** How many lanes are known. */
  size(): number
  /** How many attempts a lane lets run at once now. */
  places(key: string): number
}

export type Admission = { readonly go: Ticket } | { readonly later: Date; readonly why: string }

export interface Ticket {
  /** Resolves when the attempt has taken so long that its worker slot has to be given back; it goes on without one. */
  readonly detached: Promise<void>
  /** Gives the place back, once, with what was learnt about the consumer. */
  finish(learnt: Learnt): void
}

/** `unknown`: nothing was tried. `gone`: there is nobody to hold back for, so that what is left for it may pass and be settled. */
export type Learnt =
  | { readonly type: 'worked'; readonly latencyMs: number }
  | { readonly type: 'failed'; readonly latencyMs: number; readonly pauseMs: number | null }
  | { readonly type: 'unknown' }
  | { readonly type: 'gone' }

export interface LanesOptions {
  readonly runtime: Pick<Runtime, 'now' | 'after' | 'random'>
  readonly perLaneMax?: number
  /** From here on an attempt is slow. */
  readonly slowAfterMs?: number
  /** Between two trials of a failing consumer: from, doubling up to. */
  readonly spacingMinMs?: number
  readonly spacingMaxMs?: number
}

const failuresToOpen = 5
const lanesMax = 10_000
const minuteMs = 60_000
/** A `Retry-After` speaks of one request; the whole consumer is left alone for no longer than this on its word. */
const pauseMaxMs = 5 * minuteMs

interface Entry {
  readonly startedAtMs: number
  readonly detach: () => void
}

interface Lane {
  readonly running: Set<Entry>
  waiting: ((admission: Admission) => void)[]
  /** Attempts allowed at once now: halved by a failure, one more with each success, so that a recovery starts slowly. */
  limit: number
  failures: number
  failingSinceMs: number | null
  openUntilMs: number
  spacingMs: number
  isSlow: boolean
  serviceMs: number
  nextSlotMs: number
  isWatched: boolean
}

export function createLanes({ runtime, perLaneMax = 32, slowAfterMs = 500, spacingMinMs = 1_000, spacingMaxMs = 30_000 }: LanesOptions): Lanes {
  const lanes = new Map<string, Lane>()
  const nowMs = () => runtime.now().getTime()

  function laneFor(key: string): Lane {
    const known = lanes.get(key)
    if (known) return known
    if (lanes.size >= lanesMax) forgetOne()
    const lane: Lane = {
      running: new Set(),
      waiting: [],
      limit: perLaneMax,
      failures: 0,
      failingSinceMs: null,
      openUntilMs: 0,
      spacingMs: spacingMinMs,
      isSlow: false,
      serviceMs: 0,
      nextSlotMs: 0,
      isWatched: false,
    }
    lanes.set(key, lane)
    return lane
  }

  function forgetOne() {
    for (const [key, lane] of lanes) {
      if (lane.running.size > 0 || lane.waiting.length > 0) continue
      lanes.delete(key)
      return
    }
  }

  /** Places in time for what is put off, spread at the pace the consumer has shown, so that it does not all come back at once. */
  function putOff(lane: Lane, why: string): Admission {
    const now = nowMs()
    const isFailing = lane.failures >= failuresToOpen
    const fromMs = Math.max(now + (isFailing ? lane.spacingMs : Math.min(500, spacingMinMs)), lane.openUntilMs)
    const paceMs = Math.min(250, Math.max(5, lane.serviceMs / perLaneMax))
    const downMs = lane.failingSinceMs === null ? 0 : now - lane.failingSinceMs
    // What has been down long is asked about less often: its backlog costs a write per delivery each time.
    const horizonMs = Math.min(30 * minuteMs, Math.max(5 * minuteMs, downMs / 2))
    lane.nextSlotMs = Math.max(lane.nextSlotMs, fromMs)
    if (lane.nextSlotMs > now + horizonMs)
      return { later: new Date(Math.round(Math.max(fromMs, now + horizonMs * (0.5 + 0.5 * runtime.random())))), why }
    const atMs = lane.nextSlotMs + paceMs * runtime.random()
    lane.nextSlotMs += paceMs
    return { later: new Date(Math.round(atMs)), why }
  }

  function start(key: string, lane: Lane): Admission {
    const { promise, resolve } = Promise.withResolvers<void>()
    const entry: Entry = { startedAtMs: nowMs(), detach: resolve }
    lane.running.add(entry)
    watch(lane)
    return {
      go: {
        detached: promise,
        finish(learnt) {
          if (!lane.running.delete(entry)) return
          learn(lane, learnt)
          wake(key, lane)
        },
      },
    }
  }

  /** One timer per busy lane instead of one per attempt. */
  function watch(lane: Lane) {
    if (lane.isWatched) return
    lane.isWatched = true
    runtime.after(Math.max(1, slowAfterMs / 4), () => {
      lane.isWatched = false
      const now = nowMs()
      for (const entry of lane.running) {
        if (now - entry.startedAtMs < slowAfterMs) break
        lane.isSlow = true
        entry.detach()
      }
      // Who waits holds a worker slot and gains nothing by it: half the time is enough to see that nothing moves.
      if (lane.isSlow || isStuck(lane)) turnAway(lane)
      if (lane.running.size > 0) watch(lane)
    })
  }

  function isStuck(lane: Lane): boolean {
    const [oldest] = lane.running
    return oldest !== undefined && nowMs() - oldest.startedAtMs >= slowAfterMs / 2
  }

  function turnAway(lane: Lane) {
    for (const tell of lane.waiting.splice(0)) tell(putOff(lane, 'the consumer is slow'))
  }

  function learn(lane: Lane, learnt: Learnt) {
    if (learnt.type === 'unknown') return
    if (learnt.type === 'gone') {
      forgive(lane)
      lane.limit = perLaneMax
      return
    }
    const now = nowMs()
    const { latencyMs } = learnt
    lane.serviceMs = lane.serviceMs === 0 ? latencyMs : lane.serviceMs * 0.8 + latencyMs * 0.2
    if (learnt.type === 'worked') {
      if (latencyMs < slowAfterMs) lane.isSlow = false
      forgive(lane)
      lane.limit = Math.min(perLaneMax, lane.limit + 1)
      return
    }
    lane.failures++
    lane.failingSinceMs ??= now
    lane.limit = Math.max(1, lane.limit >> 1)
    // Not while it is open: those are attempts that were under way already, and say nothing about how long to wait.
    if (lane.failures >= failuresToOpen && now >= lane.openUntilMs) {
      lane.limit = 1
      lane.openUntilMs = now + lane.spacingMs * (1 + 0.2 * runtime.random())
      lane.spacingMs = Math.min(spacingMaxMs, lane.spacingMs * 2)
    }
    if (learnt.pauseMs !== null) lane.openUntilMs = Math.max(lane.openUntilMs, now + Math.min(learnt.pauseMs, pauseMaxMs))
  }

  function forgive(lane: Lane) {
    lane.failures = 0
    lane.failingSinceMs = null
    lane.openUntilMs = 0
    lane.spacingMs = spacingMinMs
  }

  function wake(key: string, lane: Lane) {
    if (lane.waiting.length > 0 && (nowMs() < lane.openUntilMs || lane.failures >= failuresToOpen)) turnAway(lane)
    while (lane.waiting.length > 0 && lane.running.size < lane.limit) lane.waiting.shift()?.(start(key, lane))
    const isIdle = lane.running.size === 0 && lane.waiting.length === 0
    if (isIdle && lane.failures === 0 && lane.limit === perLaneMax && !lane.isSlow) lanes.delete(key)
  }

  return {
    async admit(key) {
      const lane = laneFor(key)
      if (nowMs() < lane.openUntilMs) return putOff(lane, 'the consumer is failing')
      if (lane.running.size < lane.limit && lane.waiting.length === 0) return start(key, lane)
      if (lane.isSlow || isStuck(lane)) return putOff(lane, 'the consumer is slow')
      if (lane.failures >= failuresToOpen) return putOff(lane, 'the consumer is failing')
      return new Promise((resolve) => lane.waiting.push(resolve))
    },
    size: () => lanes.size,
    places: (key) => lanes.get(key)?.limit ?? perLaneMax,
  }
}
