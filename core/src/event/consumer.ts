import type { Fields } from '../runtime.ts'
import type { EventType } from './event.ts'
import type { Delivery, DeliveryAttempt } from './store.ts'

/** Who is told: one webhook endpoint, or one plugin in one workspace. */
export interface Consumer {
  /** `webhook:whk_…` or `plugin:twilio`. */
  readonly key: string
  /** `paused`: Trunkline switched it off, so its events are kept as skipped and can be replayed. What a person switched off is not listed. */
  readonly state: 'on' | 'paused'
  wants(type: EventType): boolean
}

/** What became of one try. `later` costs no attempt; `retry` without `at` waits as the schedule says. */
export type Outcome =
  | { readonly type: 'done' }
  | { readonly type: 'skip' | 'fail'; readonly why: string }
  | { readonly type: 'retry'; readonly why: string; readonly at?: Date }
  | { readonly type: 'later'; readonly at: Date; readonly why: string }

export interface Delivered {
  readonly outcome: Outcome
  /** Null when nothing left this process. */
  readonly attempt: DeliveryAttempt | null
  /** How long the consumer asked to be left alone; null when it did not. */
  readonly pauseMs: number | null
  /** For the log line of the attempt: ids and origins, never a body, a path or a secret. */
  readonly detail: Fields
}

/** A kind of consumer. Its settings are read when they are needed, never when the event happened. */
export interface ConsumerKind {
  readonly prefix: 'webhook' | 'plugin'
  list(workspaceId: string): Promise<Consumer[]>
  /** One try. Rejects only when the store could not be reached; whatever the other side does is an outcome. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<Delivered>
}

/** Two ids in one, so that making a delivery twice is harmless; without `:`, which queues do not take. */
export function deliveryId(eventId: string, consumerKey: string): string {
  const consumer = consumerKey.slice(consumerKey.indexOf(':') + 1)
  return `dlv_${withoutPrefix(eventId)}_${consumerKey.startsWith('webhook:') ? withoutPrefix(consumer) : consumer}`
}

/** The part of a delivery's id that names its consumer, known before anything is read. */
export function laneOf(id: string): string {
  return id.slice(id.indexOf('_', 'dlv_'.length) + 1)
}

const withoutPrefix = (id: string): string => id.slice(id.indexOf('_') + 1)
