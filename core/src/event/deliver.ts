import type { Hint, Queue } from '../queue/queue.ts'
import type { Log, Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { type ConsumerKind, type Delivered, laneOf, type Outcome } from './consumer.ts'
import { createLanes, type Learnt, type Ticket } from './lane.ts'
import { applyOutcome } from './outcome.ts'
import { attemptInRound, defaultScheduleMs } from './retry.ts'
import type { Delivery } from './store.ts'

export interface DeliveryMetrics {
  attempted(attempt: { consumer: ConsumerKind['prefix']; outcome: Outcome['type']; latencyMs: number }): void
}

export interface Deliverer {
  /**
   * Deals with one hint: claims the delivery, calls its consumer, commits the outcome, hints the next try. Resolves early when the consumer
   * is slow (the attempt goes on). Rejects when the store could not be reached.
   */
  deliver(hint: Pick<Hint, 'workspaceId' | 'id'>, signal: AbortSignal): Promise<void>
  /** Resolves when nothing is under way any more, attempts that gave their slot back included. For a stop: after the queue's intake. */
  idle(): Promise<void>
}

export interface DelivererOptions {
  readonly stores: Pick<Stores, 'deliveries'>
  readonly runtime: Pick<Runtime, 'now' | 'after' | 'random'>
  readonly kinds: readonly ConsumerKind[]
  readonly log: Log
  readonly queue: Pick<Queue, 'add'>
  readonly metrics: DeliveryMetrics
  readonly scheduleMs?: readonly number[]
  /** The longest one call may take; the claim holds as long and a margin. */
  readonly timeoutMs?: number
  readonly perConsumerMax?: number
  readonly slowAfterMs?: number
}

/** Long enough for an attempt that is not slow. A worker that died gives its deliveries back when it ends. */
const leaseMs = 8_000
/** A slow attempt holds its delivery as long as it may take, and this. */
const leaseMarginMs = 5_000
/** Later than this the sweeper is early enough, and the queue stays small. */
const hintHorizonMs = 120_000
/** A timer may fire a millisecond early, and a claim that comes before its time finds nothing. */
const hintMarginMs = 10

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { stores, runtime, kinds, log, queue, metrics, scheduleMs = defaultScheduleMs, timeoutMs = 15_000 } = options
  const firstWaitMs = scheduleMs[0] ?? 5_000
  const lanes = createLanes({
    runtime,
    ...(options.perConsumerMax === undefined ? {} : { perLaneMax: options.perConsumerMax }),
    ...(options.slowAfterMs === undefined ? {} : { slowAfterMs: options.slowAfterMs }),
    spacingMinMs: Math.max(1, firstWaitMs / 5),
    spacingMaxMs: scheduleMs[1] ?? firstWaitMs,
  })
  /** The last delivery under way per (consumer, aggregate): the next one waits for it. */
  const tails = new Map<string, Promise<void>>()
  const underWay = new Set<Promise<void>>()

  async function hintAt(workspaceId: string, id: string, at: Date): Promise<boolean> {
    if (at.getTime() - runtime.now().getTime() > hintHorizonMs) return false
    return queue.add([{ kind: 'delivery', workspaceId, id, at: new Date(at.getTime() + hintMarginMs) }]).then(
      () => true,
      () => false,
    )
  }

  async function commit(delivery: Delivery): Promise<boolean> {
    const written = await stores.deliveries.commit(delivery)
    if (written && delivery.dueAt) await hintAt(delivery.workspaceId, delivery.id, delivery.dueAt)
    return written
  }

  async function attempt(hint: Pick<Hint, 'workspaceId' | 'id'>, ticket: Ticket, signal: AbortSignal): Promise<void> {
    let learnt: Learnt = { type: 'unknown' }
    try {
      const now = runtime.now()
      const delivery = await stores.deliveries.claim(hint.workspaceId, hint.id, now, new Date(now.getTime() + leaseMs))
      if (delivery) learnt = await inOrder(delivery, ticket, () => call(delivery, ticket, signal))
      else await lookAgain(hint, now)
    } finally {
      ticket.finish(learnt)
    }
  }

  /** Somebody has it. Should that one have died, its lease ends before the sweeper comes by. */
  async function lookAgain({ workspaceId, id }: Pick<Hint, 'workspaceId' | 'id'>, now: Date): Promise<void> {
    const there = await stores.deliveries.get(workspaceId, id)
    if (there?.status === 'pending' && there.dueAt !== null && there.dueAt > now) await hintAt(workspaceId, id, there.dueAt)
  }

  /** Keeps hold of a delivery whose consumer turned out to be slow. Answers with the version to commit on. */
  function holdOn(delivery: Delivery, ticket: Ticket): () => Promise<Delivery> {
    let held = Promise.resolve(delivery)
    let isOver = false
    void ticket.detached.then(() => {
      if (isOver) return
      const longer = { ...delivery, dueAt: new Date(runtime.now().getTime() + timeoutMs + leaseMarginMs) }
      held = stores.deliveries.commit(longer).then(
        (written) => (written ? { ...longer, version: longer.version + 1 } : delivery),
        () => delivery,
      )
    })
    return () => {
      isOver = true
      return held
    }
  }

  /** Runs after the earlier delivery of the same aggregate to the same consumer, or gives up its turn when that one is slow. */
  async function inOrder(delivery: Delivery, ticket: Ticket, run: () => Promise<Learnt>): Promise<Learnt> {
    const key = `${delivery.consumer}|${delivery.aggregateId}|${delivery.workspaceId}`
    const before = tails.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    tails.set(key, promise)
    try {
      if (before !== undefined) {
        const turn = await Promise.race([before.then(() => 'mine' as const), ticket.detached.then(() => 'lost' as const)])
        if (turn === 'lost') {
          const at = new Date(runtime.now().getTime() + Math.round(firstWaitMs * (0.2 + 0.2 * runtime.random())))
          await commit({ ...delivery, dueAt: at })
          return { type: 'unknown' }
        }
      }
      return await run()
    } finally {
      resolve()
      if (tails.get(key) === promise) tails.delete(key)
    }
  }

  async function call(delivery: Delivery, ticket: Ticket, signal: AbortSignal): Promise<Learnt> {
    const prefix = delivery.consumer.slice(0, delivery.consumer.indexOf(':'))
    const kind = kinds.find((each) => each.prefix === prefix)
    const nobody: Delivered = { outcome: { type: 'skip', why: 'there is no such consumer any more' }, attempt: null, pauseMs: null, detail: {} }
    const heldNow = holdOn(delivery, ticket)
    const delivered = kind ? await kind.deliver(delivery, signal) : nobody
    const next = applyOutcome(await heldNow(), delivered, { now: runtime.now(), scheduleMs, dice: runtime.random() })
    const written = await commit(next)
    const { outcome, attempt: made, pauseMs, detail } = delivered
    const latencyMs = made?.latencyMs ?? 0
    log.info(
      {
        workspaceId: delivery.workspaceId,
        deliveryId: delivery.id,
        consumer: delivery.consumer,
        event: delivery.event,
        eventId: delivery.eventId,
        aggregateId: delivery.aggregateId,
        correlationId: delivery.correlationId ?? null,
        attemptNumber: attemptInRound(delivery.attempts.length, scheduleMs),
        statusCode: made?.statusCode ?? null,
        latencyMs,
        outcome: outcome.type,
        why: 'why' in outcome ? outcome.why : null,
        status: next.status,
        nextAt: next.dueAt,
        // False: the lease ran out and somebody else had it meanwhile; the consumer may have got it twice, under one id.
        written,
        ...detail,
      },
      'delivery.attempted',
    )
    if (kind) metrics.attempted({ consumer: kind.prefix, outcome: outcome.type, latencyMs })
    if (outcome.type === 'done') return { type: 'worked', latencyMs }
    if (made !== null) return { type: 'failed', latencyMs, pauseMs }
    return { type: outcome.type === 'skip' ? 'gone' : 'unknown' }
  }

  return {
    async deliver(hint, signal) {
      const admission = await lanes.admit(`${hint.workspaceId}/${laneOf(hint.id)}`)
      if ('later' in admission) {
        // A claim until then, and nothing else, is what puts it off: one write, no attempt spent.
        const claimed = await stores.deliveries.claim(hint.workspaceId, hint.id, runtime.now(), admission.later)
        if (claimed) await hintAt(hint.workspaceId, hint.id, admission.later)
        return
      }
      let isDetached = false
      const work = attempt(hint, admission.go, signal)
      const settled = work.then(
        () => {},
        (error: unknown) => {
          // Nobody waits for a detached attempt any more: its lease runs out and the sweeper brings it again.
          if (isDetached) log.error({ workspaceId: hint.workspaceId, deliveryId: hint.id, error }, 'delivery.lost_store')
        },
      )
      underWay.add(settled)
      void settled.then(() => underWay.delete(settled))
      await Promise.race([
        work,
        admission.go.detached.then(() => {
          isDetached = true
        }),
      ])
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
