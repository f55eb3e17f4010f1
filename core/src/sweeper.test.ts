import { describe, expect, it } from 'vitest'
import { noMetrics } from './metrics.ts'
import type { Queue } from './queue/queue.ts'
import type { Stores } from './store/stores.ts'
import { createSweeper } from './sweeper.ts'
import { createMovedClock } from './testing/moved-clock.ts'

const away = () => Promise.reject(new Error('away'))

/** A sweeper over stores that answer everything with nothing, but for two replies that wait. */
function sweeperOn({ depth = async () => ({ waiting: 0, delayed: 0 }), relayLeftovers = async () => 0, finish = async () => undefined }: Broken) {
  const done: string[] = []
  const nothing = () => new Proxy({}, { get: () => async () => [] })
  const pruning = (name: string, verb: string) => ({ [verb]: async () => done.push(`${name}.${verb}`) })
  const stores = {
    messages: { due: async () => [], ...pruning('messages', 'pruneParked') },
    deliveries: { due: async () => [], ...pruning('deliveries', 'prune') },
    jobs: nothing(),
    idempotency: pruning('idempotency', 'prune'),
    availability: pruning('availability', 'prune'),
    replies: { unannounced: async () => ['rpl_1', 'rpl_2'].map((id) => ({ workspaceId: 'ws_1', id })) },
  } as unknown as Stores
  const sweeper = createSweeper({
    stores,
    runtime: createMovedClock().runtime,
    queue: { depth, add: async () => undefined } as unknown as Queue,
    metrics: noMetrics,
    inbound: {
      async finish(workspaceId, id) {
        await finish(workspaceId, id)
        done.push(id)
      },
    },
    relayLeftovers,
    everyMs: 10_000,
  })
  return { sweep: () => sweeper.sweep(), done }
}

interface Broken {
  depth?: Queue['depth']
  relayLeftovers?: (limit: number) => Promise<number>
  finish?: (workspaceId: string, id: string) => Promise<void>
}

const pruned = ['idempotency.prune', 'messages.pruneParked', 'availability.prune', 'deliveries.prune']

describe('a sweep', () => {
  it.each([
    ['a queue that is away', { depth: away }, ['rpl_1', 'rpl_2']],
    ['an outbox that cannot be relayed', { relayLeftovers: away }, ['rpl_1', 'rpl_2']],
    ['a reply that cannot be finished', { finish: (_: string, id: string) => (id === 'rpl_1' ? away() : Promise.resolve()) }, ['rpl_2']],
  ] as const)('does all the rest in spite of %s, and says so', async (_, broken, finished) => {
    const { sweep, done } = sweeperOn(broken)
    await expect(sweep()).rejects.toThrow('away')
    expect(done).toEqual([...finished, ...pruned])
  })
})
