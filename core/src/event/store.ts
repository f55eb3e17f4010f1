import type { EventType } from './event.ts'

export type DeliveryStatus = 'pending' | 'delivered' | 'failed' | 'skipped'

export interface DeliveryAttempt {
  at: Date
  statusCode: number | null
  latencyMs: number
  /** Why it failed; null when it did not. */
  error: string | null
}

/** One event on its way to one consumer. Its id is made of both, so that making it twice is harmless. */
export interface Delivery {
  readonly id: string
  readonly workspaceId: string
  readonly version: number
  /** `webhook:whk_…` or `plugin:twilio`. */
  readonly consumer: string
  readonly event: EventType
  readonly eventId: string
  /** The aggregate the event happened to: deliveries of one aggregate to one consumer keep their order where possible. */
  readonly aggregateId: string
  readonly leadId: string | null
  /** The exact bytes that are sent and signed. */
  readonly body: string
  /** Of the request that caused the event; goes out as `X-Correlation-Id`. Not in the body, which is the event's alone. */
  readonly correlationId?: string | null
  readonly status: DeliveryStatus
  readonly attempts: readonly DeliveryAttempt[]
  /** When it is to be looked at next; null when it is settled. */
  readonly dueAt: Date | null
  readonly createdAt: Date
}

export interface DeliveryFilter {
  consumer: string
  status?: DeliveryStatus
  events?: readonly EventType[]
  since?: Date
  until?: Date
}

/** Deliveries. `claim` is what keeps two workers from posting one delivery at the same time. */
export interface DeliveryStore {
  /** Inserts those that are not there yet. Returns the ids that were inserted, in no order. */
  insert(deliveries: readonly Delivery[]): Promise<string[]>
  /**
   * Takes a pending delivery that is due (`dueAt <= now`) for one attempt: raises its version and moves `dueAt` to `leaseUntil`.
   * Null when somebody else has it, it is settled, or it is not due.
   */
  claim(workspaceId: string, id: string, now: Date, leaseUntil: Date): Promise<Delivery | null>
  /** Writes the outcome if the version is still the one that was claimed. */
  commit(delivery: Delivery): Promise<boolean>
  get(workspaceId: string, id: string): Promise<Delivery | null>
  /** Newest first. `cursor` is the `nextCursor` of the page before. */
  find(
    workspaceId: string,
    filter: DeliveryFilter,
    page: { limit: number; cursor?: string },
  ): Promise<{ deliveries: Delivery[]; nextCursor: string | null }>
  /** Puts settled deliveries that match back to `pending`, due at `now`, at most `limit` of them. Returns their ids; call until empty. */
  reopen(workspaceId: string, filter: DeliveryFilter, now: Date, limit: number): Promise<string[]>
  /** Pending deliveries whose `dueAt` is not after `before`, soonest first. */
  due(before: Date, limit: number): Promise<{ workspaceId: string; id: string; dueAt: Date }[]>
  backlog(now: Date): Promise<{ count: number; oldestDueAt: Date | null }>
  removeForLead(workspaceId: string, leadId: string): Promise<void>
  /** Forgets settled deliveries made before `before`, at most `limit`. Returns how many. */
  prune(before: Date, limit: number): Promise<number>
}
