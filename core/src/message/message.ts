import type { Aggregate } from '../event/event.ts'
import type { Status } from './lifecycle.ts'

export const channels = ['imessage', 'sms', 'email'] as const
export type Channel = (typeof channels)[number]

export const holdReasons = [
  'scheduled',
  'step_delay',
  'window_closed',
  'day_not_allowed',
  'daily_total_limit',
  'daily_new_limit',
  'hourly_new_limit',
  'gap',
  'line_unhealthy',
  'no_line',
  'campaign_paused',
  'workspace_read_only',
  'availability_quota',
  'availability_error',
  'retry',
] as const
export type HoldReason = (typeof holdReasons)[number]

/** Why a message waits, and until when (null: until something else changes). */
export interface Hold {
  reason: HoldReason
  until: Date | null
  detail: string
}

export interface Failure {
  /** snake_case: `outcome_unknown`, `channel_unavailable`, `invalid_recipient`, `sender_refused`, `content_refused`, … */
  code: string
  detail: string
  permanent: boolean
}

export interface CheckedAddress {
  address: string
  /** null: the check itself failed. */
  available: boolean | null
  checkedAt: Date
  /** `cache`, or the id of the line that asked. */
  source: string
}

/** When a single send may leave. `HH:mm`; days 0 (Sunday) to 6; `timezone` is IANA or `lead`. */
export interface Window {
  start: string | null
  end: string | null
  days: readonly number[] | null
  timezone: string
}

/** The fence around a vendor call: durable before the socket opens. A worker that finds it never calls, it asks. */
export interface Attempt {
  id: string
  lineId: string
  address: string
  /** Counts hand-overs of this message, from 1. */
  number: number
  at: Date
  /** Times the vendor was asked what became of it. */
  lookups: number
}

/** A place in a line's limits. `releasing`: it is being given back. */
export interface Reservation {
  lineId: string
  /** The day (line's time zone, YYYY-MM-DD) it counts on: fixed when reserved. */
  day: string
  state: 'held' | 'releasing'
}

export interface HistoryEntry {
  status: Status
  at: Date
  why: string
}

export interface Message extends Aggregate {
  readonly message: string
  readonly messageType: Channel
  readonly subject: string | null
  readonly attachmentUrls: readonly string[]
  readonly status: Status
  readonly hold: Hold | null
  readonly failure: Failure | null
  readonly reason: string | null
  readonly checkedAddresses: readonly CheckedAddress[]
  /** The line that sends it; null until one is chosen. */
  readonly fromLineId: string | null
  /** True when the caller named the line: it is then never exchanged for another. */
  readonly linePinned: boolean
  readonly recipientPhone: string | null
  readonly recipientEmail: string | null
  readonly recipientName: string | null
  /** What the caller named, in the order of checking; then come the lead's others. Empty: the lead's own order. */
  readonly addresses: readonly string[]
  /** The address it goes (or went) to, once that is known. */
  readonly address: string | null
  readonly leadId: string | null
  readonly campaignId: string | null
  readonly stepIndex: number | null
  readonly batchId: string | null
  readonly scheduledDate: Date | null
  readonly window: Window | null
  readonly priority: 'high' | 'normal'
  readonly sendAt: Date | null
  readonly sentAt: Date | null
  readonly deliveredAt: Date | null
  readonly readAt: Date | null
  readonly failedAt: Date | null
  readonly externalMessageId: string | null
  readonly fallback: { route: string | null; messageId: string | null; passed: readonly { route: string; why: string }[] } | null
  readonly fallbackOf: string | null
  readonly duplicateDelivery: boolean
  readonly sendFallbackSmsOnFailed: boolean | null
  readonly metadata: Record<string, unknown> | null
  readonly ghlContactId: string | null
  readonly ghlLocationId: string | null
  readonly hsContactId: string | null
  readonly hsPortalId: string | null
  readonly contactOwnerEmail: string | null
  readonly history: readonly HistoryEntry[]
  readonly attempt: Attempt | null
  /** Hand-overs that surely did not happen, so far. */
  readonly unavailableCount: number
  readonly reservation: Reservation | null
  /** When the engine looks at it next; null when nothing is left to do. The message is its own work order. */
  readonly dueAt: Date | null
  readonly correlationId: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}
