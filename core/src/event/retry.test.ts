import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attemptInRound, defaultScheduleMs, judge, nextWaitMs, retryAfterMs } from './retry.ts'

const now = new Date('2026-11-22T10:00:00.000Z')
const base = { attemptNumber: 1, failingSince: null, now, scheduleMs: defaultScheduleMs, dice: 0 }
const failed = { statusCode: 500, error: 'HTTP 500', retryAfterMs: null }

describe('what follows from an attempt', () => {
  it('2xx settles it', () => {
    expect(judge({ ...base, result: { statusCode: 204, error: null, retryAfterMs: null } })).toEqual({ settle: 'delivered' })
  })

  it('waits 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 8 h, 24 h, then gives up', () => {
    const waits = Array.from({ length: 9 }, (_, i) => judge({ ...base, attemptNumber: i + 1, result: failed }))
    expect(waits.slice(0, 8).map((verdict) => ('again' in verdict ? (verdict.again.getTime() - now.getTime()) / 1000 : verdict))).toEqual([
      5, 30, 120, 600, 3600, 10800, 28800, 86400,
    ])
    expect(waits[8]).toEqual({ settle: 'failed', why: 'no success in 9 attempts; last: HTTP 500' })
  })

  it('takes another schedule', () => {
    expect(judge({ ...base, scheduleMs: [100], result: failed })).toEqual({ again: new Date(now.getTime() + 100), why: 'HTTP 500' })
    expect(judge({ ...base, scheduleMs: [100], attemptNumber: 2, result: failed })).toMatchObject({ settle: 'failed' })
  })

  it('410 switches the endpoint off at once', () => {
    expect(judge({ ...base, result: { statusCode: 410, error: 'HTTP 410', retryAfterMs: null } })).toEqual({
      disable: 'gone: the endpoint answered 410',
    })
  })

  it('five days of failure switch it off, a moment less does not', () => {
    const since = (ms: number) => new Date(now.getTime() - ms)
    expect(judge({ ...base, failingSince: since(5 * 86_400_000), result: failed })).toMatchObject({ disable: expect.stringContaining('5 days') })
    expect(judge({ ...base, failingSince: since(5 * 86_400_000 - 1), result: failed })).toHaveProperty('again')
  })

  it('waits as long as the receiver asks, when that is longer, up to a day', () => {
    const wait = (ms: number) => nextWaitMs({ ...base, retryAfterMs: ms })
    expect(wait(60_000)).toBe(60_000)
    expect(wait(1_000)).toBe(5_000)
    expect(wait(90 * 86_400_000)).toBe(86_400_000)
  })

  it('is never early and at most a fifth late', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.option(fc.nat(1e9)),
        (attemptNumber, dice, asked) => {
          const plain = nextWaitMs({ ...base, attemptNumber, retryAfterMs: asked })
          const jittered = nextWaitMs({ ...base, attemptNumber, retryAfterMs: asked, dice })
          expect(jittered).toBeGreaterThanOrEqual(plain ?? Number.NaN)
          expect(jittered).toBeLessThanOrEqual((plain ?? Number.NaN) * 1.2 + 1)
        },
      ),
    )
  })
})

describe('rounds', () => {
  it('a replay after the last attempt has the whole schedule again', () => {
    expect([0, 1, 8, 9, 10, 17, 18].map((made) => attemptInRound(made, defaultScheduleMs))).toEqual([1, 2, 9, 1, 2, 9, 1])
  })
})

describe('Retry-After', () => {
  it('reads seconds', () => {
    expect(retryAfterMs('120', now)).toBe(120_000)
    expect(retryAfterMs(' 7 ', now)).toBe(7_000)
  })

  it('reads a date', () => {
    expect(retryAfterMs('Sun, 22 Nov 2026 10:02:00 GMT', now)).toBe(120_000)
  })

  it('is bounded to a day', () => {
    expect(retryAfterMs('999999999999', now)).toBe(86_400_000)
    expect(retryAfterMs('Fri, 31 Dec 2999 23:59:59 GMT', now)).toBe(86_400_000)
  })

  it('ignores what is absent, past or unreadable', () => {
    for (const header of [null, '', '0', '-5', '1.5', 'soon', 'Sun, 22 Nov 2026 09:00:00 GMT', '9'.repeat(400)])
      expect(retryAfterMs(header, now)).toBeNull()
  })
})
