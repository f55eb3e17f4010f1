import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { askAgainAt, lookAgainAt, nextCheck, statusOf } from './order.ts'

const now = new Date('2026-11-22T10:00:00Z')
const later = new Date('2026-11-22T11:00:00Z')
const answer = (address: string, available: boolean, expiresAt = later) => ({ address, available, checkedAt: now, expiresAt, lineId: 'line_1' })

describe('which address is asked next', () => {
  test('the first hit wins and nothing behind it is asked', () => {
    expect(nextCheck(['a', 'b', 'c'], [answer('a', false), answer('b', true)], now)).toMatchObject({
      go: 'use',
      address: 'b',
      checked: [{ address: 'a' }, { address: 'b' }],
    })
  })

  test('an address without a fresh answer is asked before those behind it, whatever is known of them', () => {
    expect(nextCheck(['a', 'b'], [answer('b', true)], now)).toMatchObject({ go: 'ask', address: 'a' })
    expect(nextCheck(['a', 'b'], [answer('a', true, now), answer('b', true)], now)).toMatchObject({ go: 'ask', address: 'a' })
  })

  test('none left: every address with its answer', () => {
    const walk = nextCheck(['a', 'b'], [answer('a', false), answer('b', false)], now)
    expect(walk).toMatchObject({ go: 'none', checked: [{ available: false }, { available: false }] })
    expect([statusOf(walk), statusOf(nextCheck([], [], now))]).toEqual(['unavailable', 'unknown'])
  })

  test('property: asked in order, one after the other, until the first that is available', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), (world) => {
        const addresses = world.map((_, index) => `a${index}`)
        const asked: string[] = []
        const answers: ReturnType<typeof answer>[] = []
        for (;;) {
          const walk = nextCheck(addresses, answers, now)
          if (walk.go !== 'ask') {
            const hit = world.indexOf(true)
            expect(walk.go).toBe(hit === -1 ? 'none' : 'use')
            expect(asked).toEqual(hit === -1 ? addresses : addresses.slice(0, hit + 1))
            return
          }
          asked.push(walk.address)
          answers.push(answer(walk.address, world[addresses.indexOf(walk.address)] ?? false))
        }
      }),
    )
  })
})

test.each([
  ['it just began', null, 5_000],
  ['for two seconds', 2_000, 5_000],
  ['for a minute', 60_000, 60_000],
  ['for a day', 86_400_000, 600_000],
])('a question that fails is asked again in good time: %s', (_case, failingForMs, waitMs) => {
  const since = failingForMs === null ? null : new Date(now.getTime() - failingForMs)
  expect(askAgainAt(since, now)).toEqual(new Date(now.getTime() + waitMs))
})

describe('lookAgainAt', () => {
  /** Every message waits for one device: how many looks it takes until each has asked once, and how long. */
  function crowd(count: number, dice: () => number): { looks: number; ms: number } {
    const gapMs = 3_200
    const waiting = Array.from({ length: count }, () => ({ atMs: 0, since: null as Date | null }))
    let [looks, freeMs, nowMs] = [0, 0, 0]
    while (waiting.length > 0) {
      waiting.sort((a, b) => a.atMs - b.atMs)
      const first = waiting[0]
      if (!first) break
      nowMs = first.atMs
      looks++
      if (nowMs >= freeMs) {
        freeMs = nowMs + gapMs
        waiting.shift()
        continue
      }
      first.atMs = lookAgainAt(new Date(freeMs), first.since, new Date(nowMs), dice()).getTime()
      first.since ??= new Date(nowMs)
    }
    return { looks, ms: nowMs }
  }

  test('costs far fewer looks than all of them at the end of each gap, and hardly more time', () => {
    let seed = 1
    const dice = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
    const [herd, spread] = [crowd(200, () => 0), crowd(200, dice)]
    expect(herd.looks).toBeGreaterThan(19_000)
    expect(spread.looks).toBeLessThan(herd.looks / 3)
    expect(spread.ms).toBeLessThan(herd.ms * 1.15)
  })

  test('never lets it look before the gap is over', () => {
    const at = new Date('2026-11-22T12:00:03Z')
    const now = new Date('2026-11-22T12:00:00Z')
    expect(lookAgainAt(at, null, now, 0.9)).toEqual(at)
    expect(lookAgainAt(at, new Date('2026-11-22T11:00:00Z'), now, 0.5)).toEqual(new Date('2026-11-22T12:00:18Z'))
  })
})
