import { describe, expect, test } from 'vitest'
import { messageFixture } from '../testing/message-fixture.ts'
import { nextLookup, outcomeFact, receiptFact } from './outcome.ts'
import { retryMs } from './timing.ts'

const now = new Date('2026-11-22T10:00:00Z')
const context = { now, dice: 0, unknownDeadlineMs: 600_000 }
const sending = messageFixture({ status: 'sending', attempt: { id: 'att_1', lineId: 'line_1', address: 'a', number: 1, at: now, lookups: 0 } })

describe('what an answer of the channel means', () => {
  test('only "surely not sent" is tried again, eight times over about an hour, then the channel is called unavailable', () => {
    const total = retryMs.reduce((sum, wait) => sum + wait, 0)
    expect(retryMs).toHaveLength(8)
    expect(total).toBeGreaterThan(45 * 60_000)
    expect(total).toBeLessThan(75 * 60_000)
    for (let count = 0; count < 8; count++) {
      expect(outcomeFact({ ...sending, unavailableCount: count }, { type: 'unavailable', why: 'refused' }, context)).toMatchObject({
        type: 'not_sent',
        hold: { reason: 'retry' },
      })
    }
    expect(outcomeFact({ ...sending, unavailableCount: 8 }, { type: 'unavailable', why: 'refused' }, context)).toMatchObject({
      type: 'exhausted',
      failure: { code: 'channel_unavailable' },
    })
  })

  test('the vendor’s Retry-After is waited out', () => {
    expect(outcomeFact(sending, { type: 'unavailable', why: '429', retryAfterMs: 90_000 }, context)).toMatchObject({
      dueAt: new Date('2026-11-22T10:01:30Z'),
    })
  })

  test('unknown stays unknown: no retry, no fallback', () => {
    expect(outcomeFact(sending, { type: 'unknown', why: 'timeout' }, context)).toMatchObject({ type: 'unknown', lookups: 0 })
  })

  test('its own "not on iMessage" is what was found out of the address, whatever an earlier question was told, now or in a late receipt', () => {
    const asked = (address: string, available: boolean) => ({ address, available, checkedAt: now, source: 'cache' })
    const sent = { ...sending, address: 'b', checkedAddresses: [asked('a', false), asked('b', true)] }
    const checked = [asked('a', false), { address: 'b', available: false, checkedAt: now, source: 'line_1' }]
    expect(outcomeFact(sent, { type: 'refused', class: 'not_on_channel', code: '22', detail: 'error 22' }, context)).toMatchObject({ checked })
    const receipt = { status: 'not_on_channel', externalId: null, at: now, detail: 'error 22' } as const
    expect(receiptFact({ ...sent, status: 'sent' }, receipt, now).fact).toMatchObject({ type: 'unreachable', checked })
  })

  test('a refusal has a code to build on and keeps the channel’s own', () => {
    expect(outcomeFact(sending, { type: 'refused', class: 'recipient', code: '21211', detail: 'no such number' }, context)).toMatchObject({
      failure: { code: 'invalid_recipient', detail: 'no such number (21211)', permanent: true },
    })
    expect(outcomeFact(sending, { type: 'refused', class: 'not_on_channel', code: '22', detail: 'not on iMessage' }, context)).toMatchObject({
      type: 'unreachable',
    })
  })

  test('look-ups come ever more seldom, the last one at the deadline and never after it', () => {
    const waits = [0, 1, 2, 3, 4, 5, 6].map((lookups) => nextLookup(sending, lookups, now, 600_000).getTime() - now.getTime())
    expect(waits).toEqual([...waits].sort((a, b) => a - b))
    expect(nextLookup(sending, 6, new Date('2026-11-22T10:09:50Z'), 600_000)).toEqual(new Date('2026-11-22T10:10:00Z'))
    expect(nextLookup(sending, 6, new Date('2026-11-22T10:20:00Z'), 600_000)).toEqual(new Date('2026-11-22T10:20:00Z'))
  })
})
