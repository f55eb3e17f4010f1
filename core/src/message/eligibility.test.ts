import { describe, expect, test } from 'vitest'
import { eligibility } from './eligibility.ts'

const now = new Date('2026-11-22T12:00:00Z')
const house = { readOnly: null, quietHours: null, timezone: 'UTC' }
const free = { scheduledDate: null, window: null }

describe('may a message move', () => {
  test('nothing in its way: now', () => {
    expect(eligibility(free, house, null, now)).toEqual({ go: 'now' })
  })

  test('a read-only workspace holds everything, without an end', () => {
    expect(eligibility(free, { ...house, readOnly: { reason: 'billing' } }, null, now)).toMatchObject({
      hold: { reason: 'workspace_read_only', until: null },
    })
  })

  test('a schedule holds until its time and no longer', () => {
    const later = new Date('2026-11-22T12:00:01Z')
    expect(eligibility({ ...free, scheduledDate: later }, house, null, now)).toMatchObject({ hold: { reason: 'scheduled', until: later } })
    expect(eligibility({ ...free, scheduledDate: now }, house, null, now)).toEqual({ go: 'now' })
  })

  test('window and days hold with the moment that opens', () => {
    const window = { start: '08:00', end: '11:00', days: null, timezone: 'UTC' }
    expect(eligibility({ ...free, window }, house, null, now)).toMatchObject({
      hold: { reason: 'window_closed', until: new Date('2026-11-23T08:00:00Z') },
    })
    const days = { start: null, end: null, days: [1], timezone: 'UTC' }
    expect(eligibility({ ...free, window: days }, house, null, now)).toMatchObject({
      hold: { reason: 'day_not_allowed', until: new Date('2026-11-23T00:00:00Z') },
    })
  })

  test('`lead` is the lead’s own zone, else the workspace’s', () => {
    const window = { start: '08:00', end: '21:00', days: null, timezone: 'lead' }
    expect(eligibility({ ...free, window }, house, { timezone: 'America/Los_Angeles' }, now)).toMatchObject({
      hold: { until: new Date('2026-11-22T16:00:00Z') },
    })
    expect(eligibility({ ...free, window }, house, { timezone: null }, now)).toEqual({ go: 'now' })
  })

  test('quiet hours close what the window leaves open, over midnight too', () => {
    const quietHours = { start: '21:00', end: '08:00', timezone: 'UTC' }
    expect(eligibility(free, { ...house, quietHours }, null, new Date('2026-11-22T23:00:00Z'))).toMatchObject({
      hold: { reason: 'window_closed', until: new Date('2026-11-23T08:00:00Z') },
    })
    expect(eligibility(free, { ...house, quietHours }, null, now)).toEqual({ go: 'now' })
  })

  test('rules that never meet say so, and give no false hope', () => {
    const window = { start: '22:00', end: '23:00', days: null, timezone: 'UTC' }
    const quietHours = { start: '21:00', end: '08:00', timezone: 'UTC' }
    expect(eligibility({ ...free, window }, { ...house, quietHours }, null, now)).toMatchObject({ hold: { reason: 'window_closed', until: null } })
  })
})
