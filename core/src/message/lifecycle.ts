export const statuses = ['queued', 'pending', 'sending', 'sent', 'delivered', 'failed', 'fallback', 'cancelled'] as const
export type Status = (typeof statuses)[number]

/**
 * What can happen to a message. `not_sent`: a hand-over that surely did not happen. `withdrawn`: stopped by its own sender between
 * the fence and the vendor call. `unknown`: the bytes left and nobody knows. `late_proof`: a sign that it went out after all,
 * after it was given up with `outcome_unknown`.
 */
export type FactType =
  | 'held'
  | 'reserved'
  | 'unreserved'
  | 'attempted'
  | 'accepted'
  | 'delivered'
  | 'read'
  | 'refused'
  | 'unreachable'
  | 'not_sent'
  | 'unknown'
  | 'withdrawn'
  | 'exhausted'
  | 'given_up'
  | 'late_accepted'
  | 'late_delivered'
  | 'cancelled'

/** The whole lifecycle. What is not here does not happen. */
export const lifecycle: Record<Status, Partial<Record<FactType, Status>>> = {
  // A receipt for a message that was put back: it went out after all, and must not go again.
  queued: {
    accepted: 'sent',
    delivered: 'delivered',
    read: 'delivered',
    held: 'queued',
    reserved: 'pending',
    attempted: 'sending',
    unreachable: 'fallback',
    refused: 'failed',
    exhausted: 'failed',
    cancelled: 'cancelled',
  },
  pending: {
    accepted: 'sent',
    delivered: 'delivered',
    read: 'delivered',
    reserved: 'pending',
    unreserved: 'queued',
    attempted: 'sending',
    unreachable: 'fallback',
    refused: 'failed',
    cancelled: 'cancelled',
  },
  sending: {
    accepted: 'sent',
    delivered: 'delivered',
    read: 'delivered',
    refused: 'failed',
    unreachable: 'fallback',
    not_sent: 'queued',
    unknown: 'sending',
    withdrawn: 'cancelled',
    exhausted: 'failed',
    given_up: 'failed',
  },
  sent: { delivered: 'delivered', read: 'delivered', refused: 'failed', unreachable: 'fallback' },
  delivered: { read: 'delivered' },
  failed: { late_accepted: 'sent', late_delivered: 'delivered' },
  fallback: {},
  cancelled: {},
}

/** The state after the fact, or why it is refused. A refused transition is a value, never an exception. */
export function next(status: Status, fact: FactType): { to: Status } | { refused: string } {
  const to = lifecycle[status][fact]
  return to ? { to } : { refused: `a message that is ${status} cannot become anything by "${fact}"` }
}

/** States with no way out but a receipt: nothing is planned for them any more. */
export function isEnded(status: Status): boolean {
  return status === 'delivered' || status === 'failed' || status === 'fallback' || status === 'cancelled'
}

/** States a person or an opt-out can still stop. */
export function isOpen(status: Status): boolean {
  return status === 'queued' || status === 'pending'
}
