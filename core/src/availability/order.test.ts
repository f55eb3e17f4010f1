import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { askAgainAt, nextCheck, statusOf } from './order.ts'

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
