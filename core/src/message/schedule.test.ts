import fc from 'fast-check'
import { DateTime } from 'luxon'
import { describe, expect, test } from 'vitest'
import { calendarOf, isZone, minutesOf, nextOpen, type OpenHours } from './schedule.ts'

const window = (zone: string, start: string, end: string): OpenHours => ({
  reason: 'window_closed',
  zone,
  start: minutesOf(start) ?? 0,
  end: minutesOf(end) ?? 0,
  days: null,
})
const days = (zone: string, list: number[]): OpenHours => ({ reason: 'day_not_allowed', zone, start: 0, end: 0, days: list })
const at = (text: string) => new Date(text)
const opens = (from: string, ...rules: OpenHours[]) => nextOpen(at(from), rules)?.at.toISOString() ?? null

describe('when every window is open', () => {
  test('inside: now; before: its start; at its end: tomorrow', () => {
    const rule = window('UTC', '08:00', '21:00')
    expect(opens('2026-11-22T12:00:00Z', rule)).toBe('2026-11-22T12:00:00.000Z')
    expect(opens('2026-11-22T07:59:59Z', rule)).toBe('2026-11-22T08:00:00.000Z')
    expect(opens('2026-11-22T21:00:00Z', rule)).toBe('2026-11-23T08:00:00.000Z')
  })

  test('over midnight', () => {
    const rule = window('UTC', '22:00', '02:00')
    expect(opens('2026-11-22T23:30:00Z', rule)).toBe('2026-11-22T23:30:00.000Z')
    expect(opens('2026-11-22T01:59:00Z', rule)).toBe('2026-11-22T01:59:00.000Z')
    expect(opens('2026-11-22T02:00:00Z', rule)).toBe('2026-11-22T22:00:00.000Z')
  })

  test('to the end of the day, and all day', () => {
    expect(opens('2026-11-22T23:59:00Z', window('UTC', '20:00', '24:00'))).toBe('2026-11-22T23:59:00.000Z')
    expect(opens('2026-11-22T03:00:00Z', window('UTC', '00:00', '24:00'))).toBe('2026-11-22T03:00:00.000Z')
  })

  test('days count where the window is, 0 is Sunday', () => {
    // 2026-11-22 is a Sunday; in Auckland it is Monday already at 12:00Z.
    expect(opens('2026-11-22T12:00:00Z', days('UTC', [1]))).toBe('2026-11-23T00:00:00.000Z')
    expect(opens('2026-11-22T12:00:00Z', days('Pacific/Auckland', [1]))).toBe('2026-11-22T12:00:00.000Z')
    expect(opens('2026-11-22T12:00:00Z', days('UTC', [0]))).toBe('2026-11-22T12:00:00.000Z')
  })

  test('all of them at once: the intersection, with the rule that closed last as the reason', () => {
    const found = nextOpen(at('2026-11-21T12:00:00Z'), [
      days('UTC', [1, 2]),
      window('UTC', '09:00', '17:00'),
      window('America/New_York', '08:00', '21:00'),
    ])
    expect(found).toEqual({ at: at('2026-11-23T13:00:00Z'), reason: 'window_closed' })
  })

  test('rules that never meet end, and say so', () => {
    expect(nextOpen(at('2026-11-22T12:00:00Z'), [window('UTC', '08:00', '09:00'), window('UTC', '10:00', '11:00')])).toBeNull()
    expect(nextOpen(at('2026-11-22T12:00:00Z'), [days('UTC', [])])).toBeNull()
  })

  test('the night that leaves an hour out (New York, 2027-03-14, 02:00 becomes 03:00)', () => {
    const zone = 'America/New_York'
    expect(opens('2027-03-14T06:30:00Z', window(zone, '02:30', '05:00'))).toBe('2027-03-14T07:00:00.000Z')
    expect(opens('2027-03-14T06:30:00Z', window(zone, '02:00', '03:00'))).toBe('2027-03-15T06:00:00.000Z')
    expect(opens('2027-03-14T06:30:00Z', window(zone, '08:00', '21:00'))).toBe('2027-03-14T12:00:00.000Z')
  })

  test('the night that repeats an hour (New York, 2026-11-01, 02:00 becomes 01:00)', () => {
    const zone = 'America/New_York'
    expect(opens('2026-11-01T05:00:00Z', window(zone, '01:30', '01:40'))).toBe('2026-11-01T05:30:00.000Z')
    expect(opens('2026-11-01T05:45:00Z', window(zone, '01:30', '01:40'))).toBe('2026-11-01T06:30:00.000Z')
    expect(opens('2026-11-01T04:30:00Z', window(zone, '08:00', '21:00'))).toBe('2026-11-01T13:00:00.000Z')
  })

  test('property: what is found is open, and no whole minute before it is', () => {
    const zones = ['UTC', 'America/New_York', 'Europe/London', 'Australia/Lord_Howe', 'Asia/Kathmandu']
    const minute = fc.integer({ min: 0, max: 1439 })
    const start = Date.UTC(2026, 9, 20)
    fc.assert(
      fc.property(fc.constantFrom(...zones), minute, minute, fc.integer({ min: 0, max: 60 * 24 * 30 }), (zone, from, to, offset) => {
        fc.pre(from !== to)
        const rule: OpenHours = { reason: 'window_closed', zone, start: from, end: to, days: null }
        const now = new Date(start + offset * 60_000)
        const found = nextOpen(now, [rule])
        if (found === null) throw new Error('a daily window opens some day')
        const isOpen = (ms: number) => {
          const local = DateTime.fromMillis(ms, { zone })
          const wall = local.hour * 60 + local.minute
          return from < to ? wall >= from && wall < to : wall >= from || wall < to
        }
        expect(isOpen(found.at.getTime())).toBe(true)
        for (let ms = now.getTime(); ms < found.at.getTime(); ms += 60_000) expect(isOpen(ms)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})

describe('the calendar of a line', () => {
  test('a day is the line’s own, and ends at its own midnight, 23 and 25 hours long included', () => {
    expect(calendarOf(at('2026-11-22T23:30:00Z'), 'UTC')).toEqual({
      day: '2026-11-22',
      hour: '2026-11-22T23',
      nextDayAt: at('2026-11-23T00:00:00Z'),
      nextHourAt: at('2026-11-23T00:00:00Z'),
    })
    expect(calendarOf(at('2026-11-22T03:30:00Z'), 'America/New_York')).toMatchObject({ day: '2026-11-21', nextDayAt: at('2026-11-22T05:00:00Z') })
    expect(calendarOf(at('2026-11-01T04:30:00Z'), 'America/New_York')).toMatchObject({ day: '2026-11-01', nextDayAt: at('2026-11-02T05:00:00Z') })
    expect(calendarOf(at('2027-03-14T05:30:00Z'), 'America/New_York')).toMatchObject({ day: '2027-03-14', nextDayAt: at('2027-03-15T04:00:00Z') })
  })

  test('times of day and zones are recognised', () => {
    expect([minutesOf('00:00'), minutesOf('23:59'), minutesOf('24:00')]).toEqual([0, 1439, 1440])
    expect([minutesOf('24:01'), minutesOf('7:00'), minutesOf('12:60'), minutesOf('')]).toEqual([null, null, null, null])
    expect([isZone('Europe/Berlin'), isZone('UTC'), isZone('Mars/Olympus'), isZone('')]).toEqual([true, true, false, false])
  })
})
