import type { AvailabilityStatus } from '../lead/lead.ts'
import type { CheckedAddress } from '../message/message.ts'
import type { Answer } from './store.ts'

export type NextCheck =
  | { go: 'use'; address: string; checked: CheckedAddress[] }
  | { go: 'ask'; address: string; checked: CheckedAddress[] }
  | { go: 'none'; checked: CheckedAddress[] }

/** Walks the addresses in their order over the answers that are fresh: the first hit wins, the first without an answer is to be asked. */
export function nextCheck(addresses: readonly string[], answers: readonly Answer[], now: Date): NextCheck {
  const known = new Map(answers.filter((answer) => answer.expiresAt > now).map((answer) => [answer.address, answer]))
  const checked: CheckedAddress[] = []
  for (const address of addresses) {
    const answer = known.get(address)
    if (!answer) return { go: 'ask', address, checked }
    checked.push({ address, available: answer.available, checkedAt: answer.checkedAt, source: answer.lineId })
    if (answer.available) return { go: 'use', address, checked }
  }
  return { go: 'none', checked }
}

/** What a walk says about the lead. */
export function statusOf(walk: NextCheck): AvailabilityStatus {
  if (walk.go === 'use') return 'available'
  return walk.go === 'none' && walk.checked.length > 0 ? 'unavailable' : 'unknown'
}

const againMinMs = 5_000
const againMaxMs = 10 * 60_000

/** When a question that failed is asked again: after as long again as it has been failing (null: it just began), 5 s at least and 10 minutes at most. */
export function askAgainAt(failingSince: Date | null, now: Date): Date {
  const failedForMs = failingSince === null ? 0 : now.getTime() - failingSince.getTime()
  return new Date(now.getTime() + Math.min(againMaxMs, Math.max(againMinMs, failedForMs)))
}

const spreadMaxMs = 30_000

/**
 * When a message that found the device within its gap looks again: never before the gap is over, and the longer it has waited the more apart from
 * the others. All of them at the end of each gap would be as many looks as there are messages, for the one that may ask.
 */
export function lookAgainAt(gapEndsAt: Date, waitingSince: Date | null, now: Date, dice: number): Date {
  const waitedMs = waitingSince === null ? 0 : now.getTime() - waitingSince.getTime()
  return new Date(gapEndsAt.getTime() + Math.round(dice * Math.min(spreadMaxMs, waitedMs / 2)))
}
