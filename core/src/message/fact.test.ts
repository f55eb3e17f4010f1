import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messageFixture } from '../testing/message-fixture.ts'
import { applyFact, type Fact } from './fact.ts'
import { type FactType, isEnded, lifecycle, next, statuses } from './lifecycle.ts'
import type { Message } from './message.ts'
import { receiptFact } from './outcome.ts'

const now = new Date('2026-11-22T10:00:00Z')
let made = 0
const newId = () => `evt_${++made}`
const apply = (message: Message, fact: Fact) => applyFact(message, fact, now, newId)

describe('the lifecycle', () => {
  test('ended states have no way out but a proof of delivery', () => {
    for (const status of statuses.filter(isEnded)) {
      const ways = Object.keys(lifecycle[status])
      expect(ways.every((fact) => fact === 'read' || fact === 'late_accepted' || fact === 'late_delivered')).toBe(true)
    }
  })

  test('only a hand-over that surely did not happen leads from sending back to queued', () => {
    const back = Object.entries(lifecycle.sending).filter(([, to]) => to === 'queued')
    expect(back).toEqual([['not_sent', 'queued']])
  })

  test('a refused transition is a value with a reason', () => {
    expect(next('cancelled', 'attempted')).toEqual({ refused: 'a message that is cancelled cannot become anything by "attempted"' })
  })

  test('a proof comes too late for a failure that was for good', () => {
    const failed = messageFixture({ status: 'failed', failure: { code: 'invalid_recipient', detail: '', permanent: true } })
    expect(apply(failed, { type: 'late_delivered', externalId: null, at: now, why: '' }).ok).toBe(false)
    const unknown = messageFixture({ status: 'failed', failedAt: now, failure: { code: 'outcome_unknown', detail: '', permanent: false } })
    const late = apply(unknown, { type: 'late_delivered', externalId: 'x', at: now, why: 'receipt' })
    expect(late).toMatchObject({ ok: true, message: { status: 'delivered', failure: null, failedAt: null, deliveredAt: now } })
  })

  test('cancelling a reserved message gives its place back, and stays due until that is done', () => {
    const pending = messageFixture({ status: 'pending', reservation: { lineId: 'line_1', day: '2026-11-22', state: 'held' } })
    const result = apply(pending, { type: 'cancelled', why: 'by hand' })
    expect(result).toMatchObject({ ok: true, message: { status: 'cancelled', reservation: { state: 'releasing' }, dueAt: now } })
  })

  test('a failure after the hand-over keeps its place; "not on iMessage" gives it back', () => {
    const sent = messageFixture({ status: 'sent', sentAt: now, reservation: { lineId: 'line_1', day: '2026-11-22', state: 'held' } })
    expect(apply(sent, { type: 'refused', failure: { code: 'channel_error', detail: '', permanent: true }, why: '' })).toMatchObject({
      message: { reservation: { state: 'held' } },
    })
    expect(apply(sent, { type: 'unreachable', reason: 'error 22', checked: null, why: '' })).toMatchObject({
      message: { status: 'fallback', reservation: { state: 'releasing' } },
    })
  })

  test('F14: receipts in every order, each twice, end the same', () => {
    const receipts = (['sent', 'delivered', 'read'] as const).flatMap((status) => [status, status])
    const order = fc.shuffledSubarray(receipts, { minLength: receipts.length })
    fc.assert(
      fc.property(order, (sequence) => {
        let message = messageFixture({ status: 'sending' })
        for (const status of sequence) {
          const { fact } = receiptFact(message, { status, externalId: 'guid', at: now, detail: status }, now)
          if (fact === null) continue
          const result = apply(message, fact)
          if (result.ok) message = result.message
        }
        expect(message).toMatchObject({ status: 'delivered', readAt: now, deliveredAt: now, externalMessageId: 'guid' })
        const types = message.outbox.map((event) => event.type)
        expect(new Set(types).size).toBe(types.length)
        expect(message.outbox.map((event) => event.seq)).toEqual(message.outbox.map((_, index) => index + 1))
      }),
    )
  })

  test('property: no sequence of facts leaves an ended state, writes two equal events, or ends with something still due', () => {
    const all: Fact[] = [
      { type: 'held', hold: { reason: 'gap', until: null, detail: '' }, dueAt: now },
      { type: 'reserved', sendAt: now, patch: { reservation: { lineId: 'l', day: '2026-11-22', state: 'held' } }, why: '' },
      { type: 'unreserved', hold: { reason: 'no_line', until: null, detail: '' }, dueAt: now },
      { type: 'attempted', attempt: { id: 'att', lineId: 'l', address: 'a', number: 1, at: now, lookups: 0 }, dueAt: now, why: '' },
      { type: 'accepted', externalId: 'x', at: now, dueAt: null, why: '' },
      { type: 'delivered', externalId: 'x', at: now, why: '' },
      { type: 'read', externalId: 'x', at: now, why: '' },
      { type: 'refused', failure: { code: 'c', detail: '', permanent: true }, why: '' },
      { type: 'unreachable', reason: 'r', checked: [], why: '' },
      { type: 'not_sent', hold: { reason: 'retry', until: now, detail: '' }, dueAt: now },
      { type: 'unknown', dueAt: now, lookups: 1, why: '' },
      { type: 'given_up', failure: { code: 'outcome_unknown', detail: '', permanent: false }, why: '' },
      { type: 'cancelled', why: '' },
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...all), { maxLength: 25 }), (facts) => {
        let message = messageFixture({})
        for (const fact of facts) {
          const before = message
          const result = apply(message, fact)
          if (!result.ok) continue
          message = result.message
          if (isEnded(before.status)) expect([before.status, message.status]).toEqual([before.status, before.status])
          if (isEnded(message.status)) expect(message.dueAt === null || message.reservation?.state === 'releasing').toBe(true)
        }
        const ends = message.outbox.filter((event) =>
          ['message.failed', 'message.fallback', 'message.cancelled', 'message.delivered'].includes(event.type),
        )
        expect(ends.length).toBeLessThanOrEqual(1)
        expect(message.history.at(-1)?.status).toBe(message.status)
      }),
    )
  })

  test('every fact has a place in the table', () => {
    const known = new Set<FactType>(Object.values(lifecycle).flatMap((ways) => Object.keys(ways) as FactType[]))
    for (const fact of ['held', 'reserved', 'attempted', 'accepted', 'withdrawn', 'exhausted', 'given_up'] as const)
      expect(known.has(fact)).toBe(true)
  })
})
