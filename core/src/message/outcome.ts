import type { RefusalClass, SendResult } from '../transport/transport.ts'
import type { Fact } from './fact.ts'
import type { Message } from './message.ts'
import { followMs, lookupMs, retryMs } from './timing.ts'

/** What a caller may build on; the channel's own code stands in the detail. */
const failureCodes: Record<Exclude<RefusalClass, 'not_on_channel'>, string> = {
  recipient: 'invalid_recipient',
  consent: 'consent_refused',
  sender: 'sender_refused',
  content: 'content_refused',
}

/** What the channel's answer means for the message. Only `unavailable` is tried again, and not for ever. */
export function outcomeFact(
  message: Message,
  result: SendResult,
  { now, dice, unknownDeadlineMs }: { now: Date; dice: number; unknownDeadlineMs: number },
): Fact {
  switch (result.type) {
    case 'accepted':
      return {
        type: message.status === 'failed' ? 'late_accepted' : 'accepted',
        externalId: result.externalId,
        at: now,
        dueAt: new Date(now.getTime() + (followMs[0] ?? 0)),
        why: result.detail ?? 'the channel accepted it',
      }
    case 'refused': {
      if (result.class === 'not_on_channel') return notOnChannel(message, result.detail, now)
      const detail = result.code === '' ? result.detail : `${result.detail} (${result.code})`
      return { type: 'refused', failure: { code: failureCodes[result.class], detail, permanent: true }, why: detail }
    }
    case 'unavailable': {
      const wait = retryMs[message.unavailableCount]
      if (wait === undefined) {
        const detail = `the channel was unavailable ${message.unavailableCount + 1} times; last: ${result.why}`
        return { type: 'exhausted', failure: { code: 'channel_unavailable', detail, permanent: false }, why: detail }
      }
      const dueAt = new Date(now.getTime() + Math.max(wait * (1 + 0.2 * dice), result.retryAfterMs ?? 0))
      return { type: 'not_sent', hold: { reason: 'retry', until: dueAt, detail: result.why }, dueAt }
    }
    case 'unknown':
      return { type: 'unknown', lookups: 0, dueAt: nextLookup(message, 0, now, unknownDeadlineMs), why: result.why }
  }
}

/** The channel's own word on the address it was sent to, in place of what an earlier question was told. */
function notOnChannel(message: Message, detail: string, now: Date): Fact {
  const { address, attempt, checkedAddresses } = message
  if (address === null) return { type: 'unreachable', reason: detail, checked: null, why: detail }
  const said = { address, available: false, checkedAt: now, source: attempt?.lineId ?? 'channel' }
  return { type: 'unreachable', reason: detail, checked: [...checkedAddresses.filter((entry) => entry.address !== address), said], why: detail }
}

/** When an unknown outcome is asked after next: ever more seldom, and once at its deadline. */
export function nextLookup(message: Message, lookups: number, now: Date, unknownDeadlineMs: number): Date {
  const deadline = (message.attempt?.at.getTime() ?? now.getTime()) + unknownDeadlineMs
  return new Date(Math.min(now.getTime() + (lookupMs[Math.min(lookups, lookupMs.length - 1)] ?? 0), Math.max(deadline, now.getTime())))
}

export interface ReceiptNews {
  status: 'sent' | 'delivered' | 'read' | 'failed' | 'not_on_channel'
  externalId: string | null
  at: Date
  detail: string
}

/** What a receipt means for a message in its present state; `fact: null` when it says nothing new. */
export function receiptFact(message: Message, receipt: ReceiptNews, now: Date): { fact: Fact | null } {
  const { externalId, at, detail } = receipt
  const late = message.status === 'failed'
  switch (receipt.status) {
    case 'sent': {
      if (message.status === 'sent') return { fact: null }
      return { fact: { type: late ? 'late_accepted' : 'accepted', externalId, at, dueAt: new Date(now.getTime() + (followMs[0] ?? 0)), why: detail } }
    }
    case 'delivered':
      return { fact: { type: late ? 'late_delivered' : 'delivered', externalId, at, why: detail } }
    case 'read':
      return { fact: { type: late ? 'late_delivered' : 'read', externalId, at, why: detail } }
    case 'failed':
      return { fact: { type: 'refused', failure: { code: 'channel_error', detail, permanent: true }, why: detail } }
    case 'not_on_channel':
      return { fact: notOnChannel(message, detail, now) }
  }
}
