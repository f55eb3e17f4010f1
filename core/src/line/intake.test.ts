import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type LineFields, limitsFor, readLine, readTransport } from './intake.ts'
import { defaultLimits } from './line.ts'

const current: LineFields = {
  name: 'Main',
  channel: 'imessage',
  phone: '+14155550100',
  email: null,
  deviceId: 'mac',
  timezone: 'UTC',
  isActive: true,
  limits: defaultLimits,
}
const kind = { type: 'bridge', settings: z.strictObject({ url: z.url(), password: z.string().min(1).meta({ secret: true }) }) }

describe('reading a line', () => {
  it('keeps what is not given and clears what is empty', () => {
    const { fields, issues } = readLine(current, { phone: '', deviceId: null, deviceGapSeconds: 0, email: ' Me@X.com ' }, '+1')
    expect(issues).toEqual([])
    expect(fields).toEqual({ ...current, phone: null, deviceId: null, email: 'me@x.com', limits: { ...defaultLimits, deviceGapSeconds: 0 } })
    expect(readLine(current, { hourlyNewConversationsLimit: 5 }, '+1').fields.limits.hourlyNewConversationsLimit).toBe(5)
    expect(readLine(current, {}, '+1').fields).toEqual(current)
  })

  it('names every fault at once', () => {
    const input = {
      name: '',
      phone: 'x',
      email: 'x',
      timezone: 'x',
      dailyTotalMessagesLimit: -1,
      hourlyNewConversationsLimit: 1.5,
      contactGapSeconds: -1,
      availabilityGapSeconds: Number.NaN,
    }
    expect(readLine(current, input, '+1').issues.map((issue) => issue.path)).toEqual([
      'phone',
      'email',
      'name',
      'timezone',
      'dailyTotalMessagesLimit',
      'hourlyNewConversationsLimit',
      'contactGapSeconds',
      'availabilityGapSeconds',
    ])
  })

  it('gives a kind without gaps none, and the limits all the same', () => {
    expect(limitsFor({ noGaps: true })).toEqual({ ...defaultLimits, deviceGapSeconds: 0, contactGapSeconds: 0, availabilityGapSeconds: 0 })
    expect(limitsFor({ noGaps: false })).toEqual(defaultLimits)
    // product.md §3 and §5, in figures.
    expect(defaultLimits).toEqual({
      dailyNewConversationsLimit: 50,
      dailyTotalMessagesLimit: 150,
      hourlyNewConversationsLimit: null,
      dailyAvailabilityChecksLimit: 70,
      deviceGapSeconds: 30,
      contactGapSeconds: 45,
      availabilityGapSeconds: 3,
    })
  })
})

describe('reading a transport', () => {
  it('names faults by their field, unknown ones too', () => {
    const { issues } = readTransport(kind, { type: 'bridge', url: 'nowhere', colour: 'red' }, {})
    expect(issues.map((issue) => issue.path).sort()).toEqual(['transport.colour', 'transport.password', 'transport.url'])
  })

  it('fills in a kept secret, and lets a given one win', () => {
    const kept = { password: 'old' }
    expect(readTransport(kind, { type: 'bridge', url: 'http://a.b' }, kept).settings).toEqual({ url: 'http://a.b', password: 'old' })
    expect(readTransport(kind, { type: 'bridge', url: 'http://a.b', password: 'new' }, kept).settings).toMatchObject({ password: 'new' })
    expect(readTransport(kind, { type: 'bridge', url: 'http://a.b', password: undefined }, kept).settings).toMatchObject({ password: 'old' })
  })
})
