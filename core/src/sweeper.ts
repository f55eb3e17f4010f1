import type { InboundMessages } from './conversation/inbound.ts'
import type { Metrics } from './metrics.ts'
import type { Hint, Queue } from './queue/queue.ts'
import type { Runtime } from './runtime.ts'
import type { Stores } from './store/stores.ts'

export interface SweeperParts {
  stores: Stores
  runtime: Runtime
  queue: Queue
  metrics: Metrics
  inbound: Pick<InboundMessages, 'finish'>
  relayLeftovers(limit: number): Promise<number>
  everyMs: number
}

/** Ids only: a wiped queue is filled again in one round. */
const hintsMax = 50_000
/** So many in the queue already, and the rest is better left to a later round. */
const waitingEnough = 5_000
const dayMs = 86_400_000

/**
 * Brings again what the queue lost: the store knows what is due. What is due before the next round is hinted with its time, so that
 * nothing waits for a sweep. Several processes may sweep at once; a hint too many does no harm.
 */
export function createSweeper({ stores, runtime, queue, metrics, inbound, relayLeftovers, everyMs }: SweeperParts) {
  let lastPruneAt = 0

  /** What one part cannot do now, such as hinting to a queue that is away, keeps none of the others back. */
  async function sweep(): Promise<void> {
    const now = runtime.now()
    const parts = await Promise.allSettled([hintDue(now), relayOutboxes(), finishReplies(now)])
    if (now.getTime() - lastPruneAt > dayMs / 24) {
      lastPruneAt = now.getTime()
      await prune(now)
    }
    for (const part of parts) if (part.status === 'rejected') throw part.reason
  }

  async function hintDue(now: Date): Promise<void> {
    const horizon = new Date(now.getTime() + everyMs * 1.5)
    const { waiting } = await queue.depth()
    // A long queue has its hints already; adding them again every round would only make it longer.
    if (waiting >= waitingEnough) return
    const [messages, deliveries, jobs] = await Promise.all([
      stores.messages.due(horizon, hintsMax),
      stores.deliveries.due(horizon, hintsMax),
      stores.jobs.due(horizon, 100),
    ])
    const hint =
      (kind: Hint['kind']) =>
      (row: { workspaceId: string; id: string; dueAt: Date }): Hint => ({ kind, workspaceId: row.workspaceId, id: row.id, at: row.dueAt })
    const hints = [...messages.map(hint('message')), ...deliveries.map(hint('delivery')), ...jobs.map(hint('job'))]
    for (let from = 0; from < hints.length; from += 500) await queue.add(hints.slice(from, from + 500))
    metrics.swept('message', messages.length)
    metrics.swept('delivery', deliveries.length)
  }

  async function relayOutboxes(): Promise<void> {
    const relayed = await relayLeftovers(500)
    if (relayed > 0) metrics.swept('outbox', relayed)
  }

  async function finishReplies(now: Date): Promise<void> {
    const unannounced = await stores.replies.unannounced(new Date(now.getTime() - 5_000), 200)
    const finished = await Promise.allSettled(unannounced.map((reply) => inbound.finish(reply.workspaceId, reply.id)))
    for (const reply of finished) if (reply.status === 'rejected') throw reply.reason
  }

  async function prune(now: Date): Promise<void> {
    await stores.idempotency.prune(now)
    await stores.messages.pruneParked(new Date(now.getTime() - dayMs))
    await stores.availability.prune(new Date(now.getTime() - 30 * dayMs))
    await stores.deliveries.prune(new Date(now.getTime() - 30 * dayMs), 10_000)
  }

  return { sweep }
}
