const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Waits between the attempts of one delivery (product.md §10). One more attempt than there are waits is made. */
export const defaultScheduleMs: readonly number[] = [
  5 * secondMs,
  30 * secondMs,
  2 * minuteMs,
  10 * minuteMs,
  hourMs,
  3 * hourMs,
  8 * hourMs,
  24 * hourMs,
]

const retryAfterMaxMs = dayMs
/** An endpoint that did nothing but fail for so long is switched off. */
export const disableAfterMs = 5 * dayMs
/**
 * Only upwards: a receiver that asked for a minute must not be called after 55 seconds. A fifth is enough to draw apart what failed
 * together; the circuit of the endpoint (circuit.ts) is what holds back a storm.
 */
const jitterShare = 0.2

export interface AttemptResult {
  /** Null when no answer came. */
  readonly statusCode: number | null
  /** Null only when the receiver took it (2xx). */
  readonly error: string | null
  readonly retryAfterMs: number | null
}

export type Verdict = { settle: 'delivered' } | { settle: 'failed'; why: string } | { again: Date; why: string } | { disable: string }

export interface RetryInput {
  /** Which attempt of the delivery this was, from 1. */
  readonly attemptNumber: number
  readonly result: AttemptResult
  /** Since when every attempt at this endpoint failed; null when the last one before this succeeded. */
  readonly failingSince: Date | null
  readonly now: Date
  readonly scheduleMs: readonly number[]
  /** 0 to 1. */
  readonly dice: number
}

/** What follows from one attempt at an endpoint. A 410 or five days of nothing but failure switch the endpoint off (Standard Webhooks 1.0.0). */
export function judge({ attemptNumber, result, failingSince, now, scheduleMs, dice }: RetryInput): Verdict {
  if (result.error === null) return { settle: 'delivered' }
  if (result.statusCode === 410) return { disable: 'gone: the endpoint answered 410' }
  if (failingSince !== null && now.getTime() - failingSince.getTime() >= disableAfterMs) return { disable: 'every attempt failed for 5 days' }
  const waitMs = nextWaitMs({ attemptNumber, retryAfterMs: result.retryAfterMs, scheduleMs, dice })
  if (waitMs === null) return { settle: 'failed', why: `no success in ${attemptNumber} attempts; last: ${result.error}` }
  return { again: new Date(now.getTime() + waitMs), why: result.error }
}

/** Milliseconds until the next attempt, never less than the schedule and what the receiver asked for (up to 24 h); null: no attempt is left. */
export function nextWaitMs(input: Pick<RetryInput, 'attemptNumber' | 'scheduleMs' | 'dice'> & { retryAfterMs: number | null }): number | null {
  const plannedMs = input.scheduleMs[input.attemptNumber - 1]
  if (plannedMs === undefined) return null
  const baseMs = Math.max(plannedMs, Math.min(input.retryAfterMs ?? 0, retryAfterMaxMs))
  return Math.round(baseMs * (1 + jitterShare * input.dice))
}

/**
 * The number of the next attempt in its round, from 1. A delivery that is replayed after its last attempt starts a new round with the whole
 * schedule, without forgetting what was tried before.
 */
export function attemptInRound(attemptsMade: number, scheduleMs: readonly number[]): number {
  return (attemptsMade % (scheduleMs.length + 1)) + 1
}

/** `Retry-After` (RFC 9110 §10.2.3): seconds or an HTTP date. Milliseconds from `now`, at most 24 h; null when absent, past or unreadable. */
export function retryAfterMs(header: string | null, now: Date): number | null {
  if (header === null) return null
  const text = header.trim()
  const ms = /^\d{1,12}$/.test(text) ? Number(text) * secondMs : /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) - now.getTime() : Number.NaN
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, retryAfterMaxMs) : null
}
