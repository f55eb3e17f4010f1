import { describe, expect, it } from 'vitest'
import { defaultLimits } from './line.ts'
import { usageOf } from './usage.ts'

const days = { '2026-11-21': { total: 9, new: 5, checks: 3 }, '2026-11-22': { total: 140, new: 30, checks: 70 } }

describe('usage of a line', () => {
  it('is of the day in the time zone of the line', () => {
    const now = new Date('2026-11-22T03:00:00Z')
    expect(usageOf({ timezone: 'UTC', limits: defaultLimits }, { days }, now).usage).toEqual({
      date: '2026-11-22',
      newConversationsCount: 30,
      totalMessagesCount: 140,
      availabilityChecksCount: 70,
    })
    expect(usageOf({ timezone: 'America/New_York', limits: defaultLimits }, { days }, now).usage.date).toBe('2026-11-21')
    expect(usageOf({ timezone: 'Asia/Tokyo', limits: defaultLimits }, { days: {} }, now)).toEqual({
      usage: { date: '2026-11-22', newConversationsCount: 0, totalMessagesCount: 0, availabilityChecksCount: 0 },
      remaining: { newConversations: 50, totalMessages: 150, availabilityChecks: 70 },
    })
  })

  it('leaves no more new conversations than messages, and never less than nothing', () => {
    const now = new Date('2026-11-22T12:00:00Z')
    expect(usageOf({ timezone: 'UTC', limits: defaultLimits }, { days }, now).remaining).toEqual({
      newConversations: 10,
      totalMessages: 10,
      availabilityChecks: 0,
    })
    const lowered = { ...defaultLimits, dailyTotalMessagesLimit: 100, dailyAvailabilityChecksLimit: 10 }
    expect(usageOf({ timezone: 'UTC', limits: lowered }, { days }, now).remaining).toEqual({
      newConversations: 0,
      totalMessages: 0,
      availabilityChecks: 0,
    })
  })
})
