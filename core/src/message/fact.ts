import { announce, type EventType } from '../event/event.ts'
import { type FactType, next, type Status } from './lifecycle.ts'
import type { Attempt, CheckedAddress, Failure, Hold, Message } from './message.ts'

/** Something that happened to a message, with what it brings. `why` goes into the history. */
export type Fact =
  | { type: 'held'; hold: Hold; dueAt: Date; patch?: Patch }
  | { type: 'reserved'; sendAt: Date; patch: Patch; why: string }
  | { type: 'unreserved'; hold: Hold; dueAt: Date; patch?: Patch }
  | { type: 'attempted'; attempt: Attempt; dueAt: Date; patch?: Patch; why: string }
  | { type: 'accepted' | 'late_accepted'; externalId: string | null; at: Date; dueAt: Date | null; why: string }
  | { type: 'delivered' | 'read' | 'late_delivered'; externalId: string | null; at: Date; why: string }
  | { type: 'refused'; failure: Failure; why: string }
  | { type: 'unreachable'; reason: string; checked: readonly CheckedAddress[] | null; why: string }
  | { type: 'not_sent'; hold: Hold; dueAt: Date }
  | { type: 'unknown'; dueAt: Date; lookups: number; why: string }
  | { type: 'withdrawn' | 'cancelled'; why: string }
  | { type: 'exhausted' | 'given_up'; failure: Failure; why: string }

export type Patch = Partial<
  Pick<Message, 'fromLineId' | 'address' | 'checkedAddresses' | 'reservation' | 'recipientPhone' | 'recipientEmail' | 'sendAt'>
>

export type Applied = { ok: true; message: Message } | { ok: false; refused: string }

const eventOf: Partial<Record<Status, EventType>> = {
  pending: 'message.pending',
  sent: 'message.sent',
  delivered: 'message.delivered',
  failed: 'message.failed',
  fallback: 'message.fallback',
  cancelled: 'message.cancelled',
}

/**
 * The message after the fact, its event in its outbox; or why the fact is refused. Pure: `at` and the ids are given. A receipt that
 * says nothing new is refused, so that a redelivery changes nothing.
 */
export function applyFact(message: Message, fact: Fact, at: Date, newId: () => string): Applied {
  const moved = next(message.status, fact.type)
  if ('refused' in moved) return { ok: false, refused: moved.refused }
  if (isLate(fact.type) && message.failure?.code !== 'outcome_unknown')
    return { ok: false, refused: `a message that failed for good cannot become anything by "${fact.type}"` }
  if (fact.type === 'read' && message.readAt !== null) return { ok: false, refused: 'it is known to be read' }
  const changed = { ...message, ...changesOf(message, fact, at), status: moved.to, updatedAt: at }
  const isNews = moved.to !== message.status || fact.type === 'held' || fact.type === 'unknown' || fact.type === 'not_sent'
  const why = 'why' in fact ? fact.why : `${fact.hold.reason}: ${fact.hold.detail}`
  const last = message.history.at(-1)
  // What is held for the same reason as before is no news, however its detail counts on: the history would lose its beginning over it.
  const isSame = fact.type === 'held' ? last?.why.startsWith(`${fact.hold.reason}:`) : last?.why === why
  const repeated = moved.to === message.status && isSame === true
  let doc: Message = isNews && !repeated ? { ...changed, history: [...message.history, { status: moved.to, at, why }].slice(-historyMax) } : changed
  const event = moved.to === message.status ? undefined : eventOf[moved.to]
  if (event) doc = announce(doc, { id: newId(), type: event, at, data: dataOf(doc, event) })
  if (fact.type === 'read') doc = announce(doc, { id: newId(), type: 'message.opened', at, data: {} })
  return { ok: true, message: giveBack(message, doc, fact.type) }
}

const historyMax = 100

function isLate(type: FactType): boolean {
  return type === 'late_accepted' || type === 'late_delivered'
}

function changesOf(message: Message, fact: Fact, at: Date): Partial<Message> {
  switch (fact.type) {
    case 'held':
    case 'unreserved':
      return { ...fact.patch, hold: fact.hold, dueAt: fact.dueAt, sendAt: null }
    case 'reserved':
      return { ...fact.patch, hold: null, sendAt: fact.sendAt, dueAt: fact.sendAt }
    case 'attempted':
      return { ...fact.patch, hold: null, attempt: fact.attempt, dueAt: fact.dueAt, sendAt: message.sendAt ?? at }
    case 'accepted':
    case 'late_accepted':
      return { externalMessageId: fact.externalId ?? message.externalMessageId, sentAt: fact.at, dueAt: fact.dueAt, hold: null, ...cleared(message) }
    case 'delivered':
    case 'late_delivered':
      return {
        externalMessageId: fact.externalId ?? message.externalMessageId,
        sentAt: message.sentAt ?? fact.at,
        deliveredAt: fact.at,
        dueAt: null,
        hold: null,
        ...cleared(message),
      }
    case 'read':
      return {
        externalMessageId: fact.externalId ?? message.externalMessageId,
        sentAt: message.sentAt ?? fact.at,
        deliveredAt: message.deliveredAt ?? fact.at,
        readAt: fact.at,
        dueAt: null,
        hold: null,
      }
    case 'refused':
    case 'exhausted':
    case 'given_up':
      return { failure: fact.failure, failedAt: at, dueAt: null, hold: null }
    case 'unreachable':
      return {
        reason: fact.reason,
        checkedAddresses: fact.checked ?? message.checkedAddresses,
        dueAt: null,
        hold: null,
        sendAt: message.sentAt === null ? null : message.sendAt,
      }
    case 'not_sent':
      return { hold: fact.hold, dueAt: fact.dueAt, unavailableCount: message.unavailableCount + 1, sendAt: null }
    case 'unknown':
      return { dueAt: fact.dueAt, attempt: message.attempt === null ? null : { ...message.attempt, lookups: fact.lookups } }
    case 'withdrawn':
    case 'cancelled':
      return { reason: fact.why, dueAt: null, hold: null, sendAt: null }
  }
}

/** A proof that it went out clears a failure that only said that nobody knew. */
function cleared(message: Message): Partial<Message> {
  return message.failure === null ? {} : { failure: null, failedAt: null }
}

/** What falls back, fails before hand-over or is cancelled gives its place back; the sweeper finishes what a crash leaves. */
function giveBack(before: Message, after: Message, fact: FactType): Message {
  const gives =
    fact === 'unreachable' ||
    fact === 'withdrawn' ||
    fact === 'cancelled' ||
    fact === 'exhausted' ||
    (fact === 'refused' && before.status !== 'sent') ||
    fact === 'unreserved'
  if (!gives || after.reservation === null) return after
  return { ...after, reservation: { ...after.reservation, state: 'releasing' }, dueAt: after.dueAt ?? after.updatedAt }
}

function dataOf(message: Message, event: EventType): Record<string, unknown> {
  switch (event) {
    case 'message.fallback':
      return {
        reason: message.reason,
        checkedAddresses: message.checkedAddresses.map((entry) => ({ ...entry, checkedAt: entry.checkedAt.toISOString() })),
      }
    case 'message.failed':
      return { failure: message.failure }
    case 'message.cancelled':
      return { reason: message.reason }
    default:
      return {}
  }
}
