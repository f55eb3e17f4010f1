import { calendarOf } from '../message/schedule.ts'
import type { LineUsage } from '../operations.ts'
import type { Ledger } from './ledger.ts'
import type { Line } from './line.ts'

/** What a line used today, in its own time zone, and what is left. A limit that was lowered below the usage leaves nothing, never less. */
export function usageOf(line: Pick<Line, 'timezone' | 'limits'>, ledger: Pick<Ledger, 'days'>, now: Date): LineUsage {
  const date = calendarOf(now, line.timezone).day
  const { total, new: first, checks } = ledger.days[date] ?? { total: 0, new: 0, checks: 0 }
  const { dailyNewConversationsLimit, dailyTotalMessagesLimit, dailyAvailabilityChecksLimit } = line.limits
  const left = (limit: number, used: number) => Math.max(0, limit - used)
  const totalMessages = left(dailyTotalMessagesLimit, total)
  return {
    usage: { date, newConversationsCount: first, totalMessagesCount: total, availabilityChecksCount: checks },
    remaining: {
      newConversations: Math.min(left(dailyNewConversationsLimit, first), totalMessages),
      totalMessages,
      availabilityChecks: left(dailyAvailabilityChecksLimit, checks),
    },
  }
}
