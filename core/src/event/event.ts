export const eventTypes = [
  'message.queued',
  'message.pending',
  'message.sent',
  'message.delivered',
  'message.opened',
  'message.failed',
  'message.fallback',
  'message.cancelled',
  'message.reply',
  'message.duplicate_delivery',
  'lead.created',
  'lead.updated',
  'lead.deleted',
  'lead.opted_out',
  'lead.opted_in',
  'availability.checked',
  'line.health_changed',
  'campaign.started',
  'campaign.paused',
  'campaign.completed',
  'webhook.disabled',
  'plugin.disabled',
] as const

export type EventType = (typeof eventTypes)[number]

/** One fact, as it lies in the outbox of the document it happened to. */
export interface OutboxEvent {
  readonly id: string
  readonly type: EventType
  /** Rises by one per aggregate. */
  readonly seq: number
  readonly at: Date
  readonly data: Record<string, unknown>
  /** Of the request that caused it, where the document itself carries none. */
  readonly correlationId?: string
}

/** What every aggregate document carries, so that a fact and its announcement are one write. */
export interface Aggregate {
  readonly id: string
  readonly workspaceId: string
  /** Raised by every commit; a commit is refused when it is not the version that was read. */
  readonly version: number
  /** The last `seq` given to an event of this aggregate. */
  readonly seq: number
  readonly outbox: readonly OutboxEvent[]
}

/** The aggregate with one more event in its outbox. */
export function announce<T extends Aggregate>(
  doc: T,
  {
    id,
    type,
    at,
    data = {},
    correlationId,
  }: { id: string; type: EventType; at: Date; data?: Record<string, unknown>; correlationId?: string | null },
): T {
  const seq = doc.seq + 1
  return { ...doc, seq, outbox: [...doc.outbox, { id, type, seq, at, data, ...(correlationId && { correlationId }) }] }
}

/** Where an aggregate is kept, seen by the relay. */
export interface Outboxes {
  /** Takes the events off the outbox if the document still has `version`; otherwise a later commit carries them and its relay will. */
  relayed(doc: { workspaceId: string; id: string; version: number }): Promise<void>
  /** Documents whose outbox is not empty and that were last written before `before`, oldest first. */
  unrelayed(before: Date, limit: number): Promise<{ workspaceId: string; id: string }[]>
}

export type AggregateKind = 'message' | 'lead' | 'line' | 'webhook' | 'workspace'

/** Announces a document that was just committed. Returns at once and never throws: what it cannot do now, the sweeper finds. */
export type Relay = (kind: AggregateKind, doc: Aggregate) => void
