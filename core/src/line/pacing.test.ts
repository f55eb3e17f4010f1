import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { book, freshPace, take, takeCheck } from './pacing.ts'

const start = new Date('2026-11-22T10:00:00Z')
const plus = (ms: number) => new Date(start.getTime() + ms)

describe('the gap between sends of one device', () => {
  test('property: slots booked in any order of wishes are never nearer than the gap', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 600_000 }), { minLength: 2, maxLength: 40 }),
        fc.integer({ min: 1, max: 60_000 }),
        (wishes, gap) => {
          let pace = freshPace('ws', 'device')
          const slots = wishes.map((wish) => {
            const booked = book(pace, plus(wish), gap)
            pace = booked.pace
            expect(booked.at.getTime()).toBeGreaterThanOrEqual(plus(wish).getTime())
            return booked.at.getTime()
          })
          for (let i = 1; i < slots.length; i++) expect((slots[i] ?? 0) - (slots[i - 1] ?? 0)).toBeGreaterThanOrEqual(gap)
        },
      ),
    )
  })

  test('slots that come late do not crowd: the turn is taken when it is used', () => {
    const first = take(freshPace('ws', 'device'), plus(0), 30_000)
    if (first.go !== 'now') throw new Error('a fresh device is free')
    expect(take(first.pace, plus(29_999), 30_000)).toEqual({ go: 'later', until: plus(30_000) })
    expect(take(first.pace, plus(30_000), 30_000).go).toBe('now')
  })

  test('a turn that is used pushes what is booked next', () => {
    const used = take(freshPace('ws', 'device'), plus(0), 30_000)
    if (used.go !== 'now') throw new Error('a fresh device is free')
    expect(book(used.pace, plus(1), 30_000).at).toEqual(plus(30_000))
  })

  test('checks keep a gap of their own', () => {
    const used = takeCheck(freshPace('ws', 'device'), plus(0), 3_000)
    if (used.go !== 'now') throw new Error('a fresh device is free')
    expect(takeCheck(used.pace, plus(2_999), 3_000)).toEqual({ go: 'later', until: plus(3_000) })
    expect(take(used.pace, plus(1), 30_000).go).toBe('now')
  })
})
