import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { calmZone, fullHour, wallClock } from './rig/wall-clock.ts'
import { holdIs, startWorld, statusIs, type World } from './rig/world.ts'

const zone = calmZone()
const to = { recipientPhone: '+14155550123' }
const isOut = statusIs('sent', 'delivered')
const untilOf = (message: { hold: { until: string | null } | null }) => wallClock(new Date(`${message.hold?.until}`), zone)

let world: World
beforeAll(async () => {
  world = await startWorld({ SWEEP_EVERY_MS: '500' })
})
afterAll(() => world.close())

/** A workspace of its own with a sandbox line. */
async function tenant() {
  const made = await world.tenant('hours')
  await made.addLine({ name: 'sandbox', channel: 'imessage', transport: { type: 'sandbox' } })
  return made
}

describe.concurrent('a window', () => {
  test('that opens later today holds until then, on the wall clock of its zone', async () => {
    const scene = await tenant()
    const { id } = await scene.send({ ...to, sendWindowStart: fullHour(zone, 2), sendWindowEnd: fullHour(zone, 4), timezone: zone })
    const held = await scene.until(id, holdIs('window_closed'))
    expect(untilOf(held)).toMatchObject({ time: fullHour(zone, 2), date: wallClock(new Date(), zone).date })
  })

  test('that closed today holds until tomorrow', async () => {
    const scene = await tenant()
    const { id } = await scene.send({ ...to, sendWindowStart: fullHour(zone, -2), sendWindowEnd: fullHour(zone, -1), timezone: zone })
    const held = await scene.until(id, holdIs('window_closed'))
    expect(untilOf(held).time).toBe(fullHour(zone, -2))
    expect(untilOf(held).date).not.toBe(wallClock(new Date(), zone).date)
  })

  test('that is open holds nothing', async () => {
    const scene = await tenant()
    const { id } = await scene.send({ ...to, sendWindowStart: fullHour(zone, -1), sendWindowEnd: fullHour(zone, 3), timezone: zone })
    await scene.until(id, isOut)
  })

  test("in the lead's own zone", async () => {
    const scene = await tenant()
    const lead = await scene.addLead({ phone: to.recipientPhone, timezone: zone })
    const { id } = await scene.send({ leadId: lead.id, sendWindowStart: fullHour(zone, 2), sendWindowEnd: fullHour(zone, 4), timezone: 'lead' })
    expect(untilOf(await scene.until(id, holdIs('window_closed'))).time).toBe(fullHour(zone, 2))
  })

  test('on other days of the week holds until the first of them begins', async () => {
    const scene = await tenant()
    const day = (wallClock(new Date(), zone).weekday + 2) % 7
    const { id } = await scene.send({ ...to, allowedDaysOfWeek: [day], timezone: zone })
    expect(untilOf(await scene.until(id, holdIs('day_not_allowed')))).toMatchObject({ weekday: day, time: '00:00' })
  })

  test('and days together: the window on the day', async () => {
    const scene = await tenant()
    const day = (wallClock(new Date(), zone).weekday + 2) % 7
    const { id } = await scene.send({ ...to, allowedDaysOfWeek: [day], sendWindowStart: '09:30', sendWindowEnd: '10:00', timezone: zone })
    expect(untilOf(await scene.until(id, holdIs('day_not_allowed', 'window_closed')))).toMatchObject({ weekday: day, time: '09:30' })
  })
})

describe.concurrent('the house', () => {
  test('quiet hours hold until they end, and for no longer than they are kept', async () => {
    const scene = await tenant()
    const quietHours = { start: fullHour(zone, -1), end: fullHour(zone, 2), timezone: zone }
    expect((await scene.call('PATCH', '/api/workspace', { quietHours })).status).toBe(200)
    const { id } = await scene.send(to)
    expect(untilOf(await scene.until(id, holdIs('window_closed')))).toMatchObject({ time: fullHour(zone, 2), date: wallClock(new Date(), zone).date })
    expect((await scene.call('PATCH', '/api/workspace', { quietHours: null })).status).toBe(200)
    await scene.until(id, isOut)
  })

  test('quiet hours and a window: both must be open', async () => {
    const scene = await tenant()
    await scene.call('PATCH', '/api/workspace', { quietHours: { start: fullHour(zone, 1), end: fullHour(zone, 3), timezone: zone } })
    const { id } = await scene.send({ ...to, sendWindowStart: fullHour(zone, 2), sendWindowEnd: fullHour(zone, 5), timezone: zone })
    expect(untilOf(await scene.until(id, holdIs('window_closed'))).time).toBe(fullHour(zone, 3))
  })

  test('that is read-only answers writes with 402 and why, reads as ever, and sends nothing until it is not', async () => {
    const scene = await tenant()
    const scheduledDate = new Date(Date.now() + 1_500).toISOString()
    const { id } = await scene.send({ ...to, scheduledDate })
    const readOnly = (value: unknown) => world.call('PATCH', `/api/workspaces/${scene.id}`, { readOnly: value })
    expect((await readOnly({ reason: 'the invoice of October' })).status).toBe(200)
    const refused = await scene.call<Record<string, unknown>>('POST', '/api/messages', { message: 'Hello', ...to })
    expect(refused.status).toBe(402)
    expect(refused.body).toMatchObject({ code: 'READ_ONLY', reason: 'the invoice of October' })
    for (const [method, path, body] of [
      ['POST', '/api/leads', { phone: '+14155550124' }],
      ['PATCH', '/api/workspace', { name: 'other' }],
      ['POST', `/api/messages/${id}/cancel`, undefined],
      ['POST', '/api/webhooks', { url: 'https://example.com/', events: ['*'] }],
      ['POST', '/api/keys', { name: 'k', scopes: ['read'] }],
    ] as const)
      expect((await scene.call(method, path, body)).status, path).toBe(402)
    expect((await scene.call('GET', '/api/messages')).status).toBe(200)
    const held = await scene.until(id, holdIs('workspace_read_only'))
    expect(held.hold?.detail).toContain('the invoice of October')
    // The moment it was scheduled for is over, and it still waits.
    await scene.until(id, (message) => message.hold?.reason === 'workspace_read_only' && Date.now() > Date.parse(scheduledDate) + 500)
    expect((await readOnly(null)).status).toBe(200)
    await scene.until(id, isOut)
  })
})

describe.concurrent('a date', () => {
  test('to come holds as `scheduled` until then, and it is not sent before', async () => {
    const scene = await tenant()
    const scheduledDate = new Date(Date.now() + 2_000).toISOString()
    const message = await scene.send({ ...to, scheduledDate })
    expect(message).toMatchObject({ status: 'queued', hold: { reason: 'scheduled', until: scheduledDate }, scheduledDate })
    const sent = await scene.until(message.id, isOut)
    expect(Date.parse(`${sent.sentAt}`)).toBeGreaterThanOrEqual(Date.parse(scheduledDate))
    expect(Date.parse(`${sent.sentAt}`)).toBeLessThan(Date.parse(scheduledDate) + 5_000)
  })

  test('of the past is now', async () => {
    const scene = await tenant()
    const { id } = await scene.send({ ...to, scheduledDate: '2020-01-01T00:00:00Z' })
    await scene.until(id, isOut)
  })

  test('to come can be cancelled until then; twice is one cancellation', async () => {
    const scene = await tenant()
    const { id } = await scene.send({ ...to, scheduledDate: '2036-01-01T00:00:00Z' })
    for (let i = 0; i < 2; i++) expect((await scene.call<{ status: string }>('POST', `/api/messages/${id}/cancel`)).body.status).toBe('cancelled')
    const { id: gone } = await scene.send(to)
    await scene.until(gone, isOut)
    const late = await scene.call<{ code: string }>('POST', `/api/messages/${gone}/cancel`)
    expect([late.status, late.body.code]).toEqual([409, 'NOT_CANCELLABLE'])
  })
})
