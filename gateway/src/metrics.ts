import type { Metrics } from '@trunkline/core'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Backlog {
  messages: { count: number; oldestDueAt: Date | null }
  deliveries: { count: number; oldestDueAt: Date | null }
  queue: { waiting: number; delayed: number }
}

const fast = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120]

/** What /metrics shows. Backlog figures are read when somebody asks, not kept up to date meanwhile. */
export function createMetrics(): { registry: Registry; metrics: Metrics; watch(backlog: () => Promise<Backlog>, now: () => Date): void } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const messages = new Counter({
    name: 'trunkline_messages_total',
    help: 'Messages by the status they reached',
    labelNames: ['status', 'channel'],
    registers,
  })
  const holds = new Counter({ name: 'trunkline_holds_total', help: 'Times a message was put off, by reason', labelNames: ['reason'], registers })
  const vendor = new Histogram({
    name: 'trunkline_vendor_seconds',
    help: 'Calls to channels',
    labelNames: ['transport', 'op', 'outcome'],
    buckets: fast,
    registers,
  })
  const delivery = new Histogram({
    name: 'trunkline_delivery_seconds',
    help: 'Attempts to deliver an event',
    labelNames: ['consumer', 'outcome'],
    buckets: fast,
    registers,
  })
  const latency = new Histogram({
    name: 'trunkline_latency_seconds',
    help: 'Time between two stages',
    labelNames: ['stage'],
    buckets: fast,
    registers,
  })
  const swept = new Counter({ name: 'trunkline_swept_total', help: 'What the sweeper brought again', labelNames: ['kind'], registers })

  return {
    registry,
    metrics: {
      message: (status, channel) => messages.inc({ status, channel }),
      held: (reason) => holds.inc({ reason }),
      vendor: (transport, op, outcome, ms) => vendor.observe({ transport, op, outcome }, ms / 1000),
      delivery: (consumer, outcome, ms) => delivery.observe({ consumer, outcome }, ms / 1000),
      latency: (stage, ms) => latency.observe({ stage }, ms / 1000),
      swept: (kind, count) => swept.inc({ kind }, count),
    },
    watch(backlog, now) {
      // One look at the store for all gauges of a scrape: they are collected in the same moment.
      let looking: Promise<Backlog> | null = null
      const look = () => {
        looking ??= backlog().finally(() => {
          looking = null
        })
        return looking
      }
      const kinds = ['messages', 'deliveries'] as const
      new Gauge({
        name: 'trunkline_due',
        help: 'What is due now and not done',
        labelNames: ['kind'],
        registers,
        async collect() {
          const seen = await look()
          for (const kind of kinds) this.set({ kind }, seen[kind].count)
        },
      })
      new Gauge({
        name: 'trunkline_due_age_seconds',
        help: 'Age of the oldest that is due',
        labelNames: ['kind'],
        registers,
        async collect() {
          const seen = await look()
          for (const kind of kinds) {
            const oldest = seen[kind].oldestDueAt
            this.set({ kind }, oldest === null ? 0 : Math.max(0, (now().getTime() - oldest.getTime()) / 1000))
          }
        },
      })
      new Gauge({
        name: 'trunkline_queue_depth',
        help: 'Hints in the queue; -1 when the queue is away',
        labelNames: ['state'],
        registers,
        async collect() {
          const { queue } = await look()
          this.set({ state: 'waiting' }, queue.waiting)
          this.set({ state: 'delayed' }, queue.delayed)
        },
      })
    },
  }
}
