import type { Channel } from '../message/message.ts'

/** What the sandbox does with one address. `sends`: what the vendor answers; `then`: what comes after an accepted (or lost) hand-over. */
export interface SandboxPlan {
  readonly onChannel: boolean
  readonly sends: 'accepted' | 'not_on_channel' | 'bad_recipient' | 'unknown' | 'down'
  /** The receipts that follow, in order. */
  readonly receipts: readonly ('delivered' | 'read')[]
  readonly reply: string | null
  /** What asking for it later says. */
  readonly lookup: 'missing' | 'sent' | 'delivered' | 'read'
}

const delivered: SandboxPlan = { onChannel: true, sends: 'accepted', receipts: ['delivered'], reply: null, lookup: 'delivered' }
const unavailable: SandboxPlan = { onChannel: false, sends: 'not_on_channel', receipts: [], reply: null, lookup: 'missing' }
const downTwice = 2

const plans: Readonly<Record<string, SandboxPlan>> = {
  '01': { ...delivered, receipts: ['delivered', 'read'], lookup: 'read' },
  '02': unavailable,
  '03': { ...delivered, receipts: [], lookup: 'sent' },
  '04': { ...delivered, sends: 'bad_recipient', receipts: [], lookup: 'missing' },
  '05': { ...delivered, sends: 'unknown', receipts: [] },
  '06': { ...delivered, sends: 'unknown', receipts: [], lookup: 'missing' },
  '07': delivered,
  '08': { ...delivered, reply: 'STOP' },
  '09': { ...delivered, reply: 'Thanks, tell me more.' },
}

const emails: Readonly<Record<string, string>> = {
  delivered: '01',
  unavailable: '02',
  sent: '03',
  refused: '04',
  unknown: '05',
  lost: '06',
  flaky: '07',
  stop: '08',
  reply: '09',
}

/**
 * The magic addresses of api.md §4: phones `+15005550001` to `…09`, and their names at `sandbox.trunkline.test`. Any other address is
 * there and gets what it is sent. Where a channel has no "not on it" (sms, email), that address is a bad recipient.
 */
export function planFor(address: string, { channel, attemptNumber }: { channel: Channel; attemptNumber: number }): SandboxPlan {
  const email = /^([a-z]+)@sandbox\.trunkline\.test$/.exec(address)?.[1]
  const key = email === undefined ? /^\+150055500(0[1-9])$/.exec(address)?.[1] : Object.hasOwn(emails, email) ? emails[email] : undefined
  if (key === undefined) return delivered
  if (key === '07' && attemptNumber <= downTwice) return { ...delivered, sends: 'down', receipts: [], lookup: 'missing' }
  if (key === '02' && channel !== 'imessage') return { ...unavailable, sends: 'bad_recipient' }
  return plans[key] ?? delivered
}
