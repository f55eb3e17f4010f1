import { createFifo } from './fifo.ts'

/** Places for hints that run at the same time. */
export interface Slots {
  /** True with a place (give it back), false when the slots were closed first. Urgent takers go before all others. */
  take(order: 'urgent' | 'in turn'): Promise<boolean>
  give(): void
  /** Everybody who waits, and whoever comes, gets none. */
  close(): void
  waiting(): number
}

export function createSlots(count: number): Slots {
  const queues = { urgent: createFifo<(got: boolean) => void>(), 'in turn': createFifo<(got: boolean) => void>() }
  let free = count
  let closed = false
  return {
    take(order) {
      if (closed) return Promise.resolve(false)
      if (free > 0) {
        free--
        return Promise.resolve(true)
      }
      return new Promise((resolve) => queues[order].push(resolve))
    },
    give() {
      const next = queues.urgent.shift() ?? queues['in turn'].shift()
      if (next === undefined) free++
      else next(true)
    },
    close() {
      closed = true
      for (const queue of Object.values(queues)) for (let leave = queue.shift(); leave !== undefined; leave = queue.shift()) leave(false)
    },
    waiting: () => queues.urgent.size() + queues['in turn'].size(),
  }
}
