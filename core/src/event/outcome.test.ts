import { expect, it } from 'vitest'
import type { Outcome } from './consumer.ts'
import { applyOutcome } from './outcome.ts'
import type { Delivery, DeliveryAttempt } from './store.ts'

const now = new Date('2026-11-22T10:00:00Z')
const scheduleMs = [1_000, 2_000]
const attempt: DeliveryAttempt = { at: now, statusCode: 500, latencyMs: 3, error: 'HTTP 500' }

function delivery(made: number): Delivery {
  return {
    id: 'dlv_1_2',
    workspaceId: 'ws_1',
    version: 2,
    consumer: 'webhook:whk_2',
    event: 'message.sent',
    eventId: 'evt_1',
    aggregateId: 'msg_1',
    leadId: null,
    body: '{}',
    status: 'pending',
    attempts: Array.from({ length: made }, () => attempt),
    dueAt: now,
    createdAt: now,
  }
}

const after = (made: number, outcome: Outcome, one: DeliveryAttempt | null = attempt) =>
  applyOutcome(delivery(made), { outcome, attempt: one, pauseMs: null, detail: {} }, { now, scheduleMs, dice: 0 })

it('settles what is done, skipped or failed, and keeps the attempt', () => {
  expect(after(0, { type: 'done' })).toMatchObject({ status: 'delivered', dueAt: null, attempts: [attempt] })
  expect(after(0, { type: 'skip', why: 'x' }, null)).toMatchObject({ status: 'skipped', dueAt: null, attempts: [] })
  expect(after(0, { type: 'fail', why: 'x' })).toMatchObject({ status: 'failed', dueAt: null, attempts: [attempt] })
})

it('a retry without a time waits as the schedule says, and fails when it is used up', () => {
  expect(after(0, { type: 'retry', why: 'x' })).toMatchObject({ status: 'pending', dueAt: new Date(now.getTime() + 1_000) })
  expect(after(1, { type: 'retry', why: 'x' })).toMatchObject({ status: 'pending', dueAt: new Date(now.getTime() + 2_000) })
  expect(after(2, { type: 'retry', why: 'x' })).toMatchObject({ status: 'failed', dueAt: null })
})

it('a retry after a replay begins the schedule anew', () => {
  expect(after(3, { type: 'retry', why: 'x' })).toMatchObject({ status: 'pending', dueAt: new Date(now.getTime() + 1_000) })
})

it('later costs no attempt', () => {
  const at = new Date(now.getTime() + 7_000)
  expect(after(1, { type: 'later', at, why: 'x' }, null)).toMatchObject({ status: 'pending', dueAt: at, attempts: [attempt] })
})

it('remembers a few rounds, whole ones, however often it is replayed', () => {
  let made = 0
  for (let i = 0; i < 100; i++) {
    const next = after(made, { type: 'retry', why: 'x' })
    expect(next.status).toBe(i % 3 === 2 ? 'failed' : 'pending')
    made = next.attempts.length
    expect(made).toBeLessThanOrEqual(12)
  }
})
