import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyLedger, type Ledger, type PlaceLimits, release, reserve, reserveCheck, settle, takeNew } from './ledger.ts'

const at = new Date('2026-11-22T10:00:00Z')
const limits: PlaceLimits = { dailyTotal: 5, dailyNew: 3, hourlyNew: null, contactGapMs: 0 }

function ask(ledger: Ledger, messageId: string, address: string, more: Partial<Parameters<typeof reserve>[1]> = {}, within = limits) {
  const request = {
    messageId,
    address,
    touched: false,
    answersReply: false,
    at,
    day: '2026-11-22',
    hour: '2026-11-22T10',
    nextDayAt: new Date('2026-11-23T00:00:00Z'),
    nextHourAt: new Date('2026-11-22T11:00:00Z'),
    ...more,
  }
  return reserve(ledger, request, within)
}

function taken(ledger: Ledger, messageId: string, address: string, more: Partial<Parameters<typeof reserve>[1]> = {}, within = limits): Ledger {
  const decision = ask(ledger, messageId, address, more, within)
  if (decision.go === 'later') throw new Error(`expected a place, got ${decision.why}`)
  return decision.ledger
}

describe('places of a line', () => {
  test('the total limit is kept to the last place and says until when', () => {
    let ledger = emptyLedger('ws', 'line')
    for (let i = 0; i < 5; i++) ledger = taken(ledger, `m${i}`, `a${i}`, { touched: true })
    expect(ask(ledger, 'm5', 'a5', { touched: true })).toMatchObject({
      go: 'later',
      why: 'daily_total_limit',
      until: new Date('2026-11-23T00:00:00Z'),
    })
  })

  test('first touches have a limit of their own, and known addresses still fit', () => {
    let ledger = emptyLedger('ws', 'line')
    for (let i = 0; i < 3; i++) ledger = taken(ledger, `m${i}`, `a${i}`)
    expect(ask(ledger, 'm3', 'a3')).toMatchObject({ go: 'later', why: 'daily_new_limit' })
    expect(ask(ledger, 'm3', 'a3', { touched: true }).go).toBe('now')
    expect(ask(ledger, 'm3', 'a3', { answersReply: true }).go).toBe('now')
  })

  test('the hourly limit opens with the next hour', () => {
    const hourly = { ...limits, hourlyNew: 1 }
    const ledger = taken(emptyLedger('ws', 'line'), 'm0', 'a0', {}, hourly)
    expect(ask(ledger, 'm1', 'a1', {}, hourly)).toMatchObject({ go: 'later', why: 'hourly_new_limit', until: new Date('2026-11-22T11:00:00Z') })
    expect(ask(ledger, 'm1', 'a1', { hour: '2026-11-22T11' }, hourly).go).toBe('now')
  })

  test('first touches keep the contact gap when booked, and when made', () => {
    const gapped = { ...limits, contactGapMs: 45_000 }
    const ledger = taken(emptyLedger('ws', 'line'), 'm0', 'a0', {}, gapped)
    expect(ask(ledger, 'm1', 'a1', {}, gapped)).toMatchObject({ go: 'later', why: 'gap', until: new Date('2026-11-22T10:00:45Z') })
    const made = takeNew(ledger, at, 45_000)
    if (made.go !== 'now') throw new Error('the first one is free')
    expect(takeNew(made.ledger, new Date('2026-11-22T10:00:44Z'), 45_000)).toEqual({ go: 'later', until: new Date('2026-11-22T10:00:45Z') })
    expect(takeNew(made.ledger, new Date('2026-11-22T10:00:45Z'), 45_000).go).toBe('now')
  })

  test('one message has one place however often it asks, and gives it back once', () => {
    const once = taken(emptyLedger('ws', 'line'), 'm0', 'a0')
    const twice = taken(once, 'm0', 'a0')
    expect(twice.days['2026-11-22']).toEqual({ total: 1, new: 1, checks: 0 })
    const back = release(release(twice, 'm0', '2026-11-22'), 'm0', '2026-11-22')
    expect(back.days['2026-11-22']).toEqual({ total: 0, new: 0, checks: 0 })
    expect(taken(back, 'm0', 'a0').days['2026-11-22']).toEqual({ total: 1, new: 1, checks: 0 })
  })

  test('a place given back after the hand-over (late "not on iMessage") is given back once', () => {
    const ledger = settle(taken(emptyLedger('ws', 'line'), 'm0', 'a0'), ['m0'])
    const back = release(release(ledger, 'm0', '2026-11-22'), 'm0', '2026-11-22')
    expect(back.days['2026-11-22']?.total).toBe(0)
  })

  test('the first touch passes to the message that follows it when the first gives its place back', () => {
    let ledger = taken(taken(emptyLedger('ws', 'line'), 'm0', 'same'), 'm1', 'same')
    expect(ledger.days['2026-11-22']).toEqual({ total: 2, new: 1, checks: 0 })
    ledger = release(ledger, 'm0', '2026-11-22')
    expect(ledger.days['2026-11-22']).toEqual({ total: 1, new: 1, checks: 0 })
    expect(ledger.held.m1?.isNew).toBe(true)
  })

  test('and when the follower goes out first, the leader may be given back without un-counting it', () => {
    let ledger = taken(taken(emptyLedger('ws', 'line'), 'm0', 'same'), 'm1', 'same')
    ledger = release(settle(ledger, ['m1']), 'm0', '2026-11-22')
    expect(ledger.days['2026-11-22']).toEqual({ total: 1, new: 1, checks: 0 })
  })

  test('availability checks have their own count', () => {
    const ledger = reserveCheck(emptyLedger('ws', 'line'), '2026-11-22', 1)
    if (ledger === null) throw new Error('the first check is free')
    expect(reserveCheck(ledger, '2026-11-22', 1)).toBeNull()
    expect(reserveCheck(ledger, '2026-11-23', 1)).not.toBeNull()
  })

  test('nothing grows with history: only the newest days stay', () => {
    let ledger = emptyLedger('ws', 'line')
    for (let i = 1; i <= 28; i++) {
      const day = `2026-11-${String(i).padStart(2, '0')}`
      ledger = settle(taken(ledger, `m${i}`, `a${i}`, { day, hour: `${day}T10` }), [`m${i}`])
      ledger = release(taken(ledger, `n${i}`, `b${i}`, { day, hour: `${day}T10` }), `n${i}`, day)
    }
    expect(Object.keys(ledger.days).length).toBeLessThanOrEqual(9)
    expect(Object.keys(ledger.hours).length).toBeLessThanOrEqual(9)
    expect(Object.keys(ledger.released).length).toBeLessThanOrEqual(9)
    expect(ledger.held).toEqual({})
  })

  test('property: whatever is asked, given back and handed over in any order, no limit is passed and the counts are those of the places', () => {
    const step = fc.record({ op: fc.constantFrom('reserve', 'release', 'settle'), message: fc.integer({ min: 0, max: 11 }), touched: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let ledger = emptyLedger('ws', 'line')
        const alive = new Map<string, 'held' | 'out'>()
        const outFirst = new Set<string>()
        for (const { op, message, touched } of steps) {
          const id = `m${message}`
          const address = `a${message % 4}`
          if (op === 'reserve' && !alive.has(id)) {
            const decision = ask(ledger, id, address, { touched: touched || outFirst.has(address) })
            if (decision.go === 'now') {
              ledger = decision.ledger
              alive.set(id, 'held')
            }
          } else if (op === 'release' && alive.get(id) === 'held') {
            ledger = release(release(ledger, id, '2026-11-22'), id, '2026-11-22')
            alive.delete(id)
          } else if (op === 'settle' && alive.get(id) === 'held') {
            if (ledger.held[id]) outFirst.add(address)
            ledger = settle(settle(ledger, [id]), [id])
            alive.set(id, 'out')
          }
          const count = ledger.days['2026-11-22'] ?? { total: 0, new: 0, checks: 0 }
          expect(count.total).toBe(alive.size)
          expect(count.total).toBeLessThanOrEqual(limits.dailyTotal)
          expect(count.new).toBeLessThanOrEqual(limits.dailyNew)
          expect(Object.keys(ledger.held).sort()).toEqual(
            [...alive]
              .filter(([, state]) => state === 'held')
              .map(([held]) => held)
              .sort(),
          )
        }
      }),
    )
  })
})
