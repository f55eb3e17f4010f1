import type { Delivered } from './consumer.ts'
import { attemptInRound, nextWaitMs } from './retry.ts'
import type { Delivery } from './store.ts'

/** Rounds of attempts that are remembered: a delivery can be replayed without end, its document must not grow without end. */
const roundsKept = 4

/** The delivery after one try, to be committed on the version that was claimed. */
export function applyOutcome(
  delivery: Delivery,
  { outcome, attempt }: Delivered,
  by: { now: Date; scheduleMs: readonly number[]; dice: number },
): Delivery {
  const { scheduleMs } = by
  const made = attempt === null ? delivery.attempts : [...delivery.attempts, attempt]
  const perRound = scheduleMs.length + 1
  // Whole rounds only, or the number of the next attempt in its round would be lost.
  const attempts = made.length > perRound * roundsKept ? made.slice(perRound) : made
  switch (outcome.type) {
    case 'done':
      return { ...delivery, attempts, status: 'delivered', dueAt: null }
    case 'skip':
      return { ...delivery, attempts, status: 'skipped', dueAt: null }
    case 'fail':
      return { ...delivery, attempts, status: 'failed', dueAt: null }
    case 'later':
      return { ...delivery, attempts, dueAt: outcome.at }
    case 'retry': {
      if (outcome.at) return { ...delivery, attempts, dueAt: outcome.at }
      const attemptNumber = attemptInRound(delivery.attempts.length, scheduleMs)
      const waitMs = nextWaitMs({ attemptNumber, retryAfterMs: null, scheduleMs, dice: by.dice })
      if (waitMs === null) return { ...delivery, attempts, status: 'failed', dueAt: null }
      return { ...delivery, attempts, dueAt: new Date(by.now.getTime() + waitMs) }
    }
  }
}
