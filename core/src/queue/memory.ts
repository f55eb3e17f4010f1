import { AppError } from '../errors.ts'
import type { Log, Runtime } from '../runtime.ts'
import { retryDelayMs } from './backoff.ts'
import { createDueHeap } from './due-heap.ts'
import { createFifo, type Fifo } from './fifo.ts'
import { type Handler, type Hint, type HintKind, hintKinds, type Queue } from './queue.ts'

/** Hints started before everything else in the process gets a turn. */
const startsPerTurn = 256
/** No timer is longer, so that a machine that slept or whose clock was set is noticed. */
const timerMaxMs = 30_000
/** What runs may still write down why it was broken off. */
const graceMs = 1_000

interface Waiting {
  readonly hint: Hint
  readonly key: string
  /** Runs that were rejected so far. */
  readonly attempt: number
  /** Left behind in the line when the same hint came again as urgent. */
  dropped: boolean
}

interface Lane {
  readonly urgent: Fifo<Waiting>
  readonly inTurn: Fifo<Waiting>
  readonly waiting: Map<string, Waiting>
  /** What runs; the hint that came for it meanwhile, to run afterwards. */
  readonly running: Map<string, { hint: Hint | null; readonly abort: AbortController }>
  runners: number
}

function createLane(): Lane {
  return { urgent: createFifo(), inTurn: createFifo(), waiting: new Map(), running: new Map(), runners: 0 }
}

/**
 * The queue in the process, for a hub without servers. Nothing survives it: the sweeper brings again what a stop left.
 * A hint that already waits is not queued twice; one that comes while the same id runs, runs again afterwards and never beside it.
 */
export function createMemoryQueue({ runtime, log }: { runtime: Runtime; log: Log }): Queue {
  const lanes: Record<HintKind, Lane> = { message: createLane(), delivery: createLane(), relay: createLane(), job: createLane() }
  const later = createDueHeap<{ name: string; hint: Hint; attempt: number }>()
  const laterNames = new Set<string>()
  let handlers: Readonly<Record<HintKind, Handler>> | null = null
  let state: 'open' | 'stopping' | 'stopped' = 'open'
  let timer: { atMs: number; cancel(): void } | null = null
  let starts = 0
  let turn: Promise<void> | null = null
  let idle: PromiseWithResolvers<void> | null = null

  function put(hint: Hint, attempt: number): void {
    const lane = lanes[hint.kind]
    const key = `${hint.workspaceId}/${hint.id}`
    const running = lane.running.get(key)
    if (running !== undefined) {
      if (running.hint === null || hint.urgent === true) running.hint = hint
      return
    }
    const before = lane.waiting.get(key)
    if (before !== undefined) {
      if (hint.urgent !== true || before.hint.urgent === true) return
      before.dropped = true
    }
    const entry = { hint, key, attempt, dropped: false }
    lane.waiting.set(key, entry)
    if (hint.urgent === true) lane.urgent.push(entry)
    else lane.inTurn.push(entry)
    hire(lane, hint.kind)
  }

  function putLater(hint: Hint, attempt: number, atMs: number): void {
    const name = `${hint.kind}/${hint.workspaceId}/${hint.id}@${atMs}`
    if (laterNames.has(name)) return
    laterNames.add(name)
    later.push(atMs, { name, hint, attempt })
    arm()
  }

  function arm(): void {
    const soonestMs = later.soonestMs()
    if (soonestMs === undefined || state !== 'open' || (timer !== null && timer.atMs <= soonestMs)) return
    timer?.cancel()
    const delayMs = Math.min(timerMaxMs, Math.max(1, soonestMs - runtime.now().getTime()))
    timer = { atMs: soonestMs, cancel: runtime.after(delayMs, ring) }
  }

  function ring(): void {
    timer = null
    const nowMs = runtime.now().getTime()
    for (let due = later.popDue(nowMs); due !== undefined; due = later.popDue(nowMs)) {
      laterNames.delete(due.name)
      put(due.hint, due.attempt)
    }
    arm()
  }

  function next(lane: Lane): Waiting | undefined {
    if (state !== 'open') return undefined
    for (;;) {
      const entry = lane.urgent.shift() ?? lane.inTurn.shift()
      if (entry === undefined || !entry.dropped) return entry
    }
  }

  function hire(lane: Lane, kind: HintKind): void {
    const handler = handlers?.[kind]
    if (handler === undefined || state !== 'open' || lane.runners >= handler.concurrency || lane.runners >= lane.waiting.size + lane.running.size)
      return
    lane.runners++
    void runner(lane, handler)
  }

  /** Runs one hint after the other until none waits. A lane has at most as many runners as its concurrency. */
  async function runner(lane: Lane, handler: Handler): Promise<void> {
    await Promise.resolve()
    for (let entry = next(lane); entry !== undefined; entry = next(lane)) {
      lane.waiting.delete(entry.key)
      await run(lane, handler, entry)
      if (++starts >= startsPerTurn) await everybodyElse()
    }
    lane.runners--
    if (idle !== null && hintKinds.every((kind) => lanes[kind].running.size === 0)) idle.resolve()
  }

  /** One wait for all runners: with handlers that never leave the microtasks, timers and sockets would get no turn. */
  function everybodyElse(): Promise<void> {
    turn ??= new Promise((resolve) =>
      setImmediate(() => {
        starts = 0
        turn = null
        resolve()
      }),
    )
    return turn
  }

  async function run(lane: Lane, handler: Handler, { hint, key, attempt }: Waiting): Promise<void> {
    const running = { hint: null as Hint | null, abort: new AbortController() }
    lane.running.set(key, running)
    let retried = false
    try {
      await handler.run(hint, running.abort.signal)
    } catch (cause) {
      const delayMs = retryDelayMs(attempt + 1, runtime.random())
      const why = cause instanceof Error ? cause.message : String(cause)
      log.warn({ kind: hint.kind, workspaceId: hint.workspaceId, id: hint.id, attempt: attempt + 1, delayMs, why }, 'queue.hint.rejected')
      if (delayMs !== null) putLater(hint, attempt + 1, runtime.now().getTime() + delayMs)
      retried = delayMs !== null
    }
    lane.running.delete(key)
    if (running.hint !== null && !retried) put(running.hint, 0)
  }

  return {
    add(hints) {
      if (state === 'stopped') return Promise.reject(new AppError('UNAVAILABLE', 'The queue is stopped'))
      const nowMs = runtime.now().getTime()
      for (const hint of hints) {
        const atMs = hint.at?.getTime() ?? nowMs
        if (atMs > nowMs) putLater(hint, 0, atMs)
        else put(hint, 0)
      }
      return Promise.resolve()
    },
    async work(given) {
      if (handlers !== null) throw new Error('The queue works already')
      if (state !== 'open') throw new Error('The queue is stopped')
      handlers = given
      for (const kind of hintKinds) for (let i = Math.min(given[kind].concurrency, lanes[kind].waiting.size); i > 0; i--) hire(lanes[kind], kind)
    },
    async depth() {
      return { waiting: hintKinds.reduce((sum, kind) => sum + lanes[kind].waiting.size, 0), delayed: later.size() }
    },
    async stop(deadlineMs) {
      if (state !== 'open') return idle?.promise
      state = 'stopping'
      timer?.cancel()
      const running = () => hintKinds.flatMap((kind) => [...lanes[kind].running.values()])
      idle = Promise.withResolvers<void>()
      const { promise: ended, resolve: end } = idle
      if (running().length === 0) end()
      const cancels = [
        runtime.after(deadlineMs, () => {
          for (const { abort } of running()) abort.abort(new Error('The queue stops'))
          cancels.push(runtime.after(graceMs, end))
        }),
      ]
      await ended
      for (const cancel of cancels) cancel()
      state = 'stopped'
    },
  }
}
