import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { messageFixture } from '../testing/message-fixture.ts'
import { createRecordsRig, type RecordsRig } from '../testing/records-rig.ts'
import { openSettings } from '../workspace/sealed-settings.ts'
import { emptyLedger } from './ledger.ts'
import type { Line } from './line.ts'

let rig: RecordsRig
beforeEach(async () => {
  rig = await createRecordsRig()
})
afterEach(() => rig.close())

const transport = { type: 'bridge', url: 'http://mac.local:1234', password: 'hunter2' }
const input = { name: 'Main', channel: 'imessage' as const, phone: '415 555 1000', transport }
const open = (line: Line) => openSettings(rig.parts.sealer, { workspaceId: rig.workspaceId, place: 'transport' }, line.transport)
const good = { ok: true, why: null, canCheckAvailability: true }
const bad = { ok: false, why: 'connection refused', canCheckAvailability: false }

describe('a line', () => {
  it('is made with defaults, its secrets sealed, and a place of its own to post to', async () => {
    const line = await rig.lines.create(rig.caller, { ...input, dailyTotalMessagesLimit: 10 })
    expect(line).toMatchObject({
      phone: '+14155551000',
      timezone: 'UTC',
      isActive: true,
      limits: { dailyTotalMessagesLimit: 10, deviceGapSeconds: 30 },
    })
    expect(line.remaining).toEqual({ newConversations: 10, totalMessages: 10, availabilityChecks: 70 })
    expect(line.transport).toEqual({ type: 'bridge', settings: { url: transport.url, method: 'a' }, sealed: { password: expect.any(String) } })
    expect(JSON.stringify(await rig.opened.lines.get(rig.workspaceId, line.id))).not.toContain('hunter2')
    expect(open(line)).toEqual({ url: transport.url, method: 'a', password: 'hunter2' })
    expect(line.hookSecret.length).toBeGreaterThanOrEqual(32)
    expect(line.health).toMatchObject({ status: 'healthy', lastCheckedAt: null, canCheckAvailability: false })
  })

  it('in the sandbox keeps no gaps unless it is told to', async () => {
    const line = await rig.lines.create(rig.caller, { name: 'S', channel: 'sms', transport: { type: 'sandbox' }, deviceGapSeconds: 2 })
    expect(line.limits).toMatchObject({ deviceGapSeconds: 2, contactGapSeconds: 0, availabilityGapSeconds: 0, dailyNewConversationsLimit: 50 })
  })

  it('made twice under one reserved id is one', async () => {
    const first = await rig.lines.create(rig.caller, input, { id: 'line_reserved' })
    const second = await rig.lines.create(rig.caller, input, { id: 'line_reserved' })
    expect(second.hookSecret).toBe(first.hookSecret)
    expect(await rig.lines.list(rig.workspaceId, {})).toHaveLength(1)
  })

  it.each([
    [{ ...input, transport: { type: 'pigeon' } }, ['transport.type']],
    [{ ...input, transport: undefined, channel: undefined }, ['channel', 'transport']],
    [{ ...input, channel: 'sms' as const }, ['channel']],
    [{ ...input, transport: { type: 'bridge', url: 'nowhere', colour: 'red' } }, ['transport.colour', 'transport.password', 'transport.url']],
    [{ ...input, name: '', phone: 'x', timezone: 'x', dailyTotalMessagesLimit: -1 }, ['dailyTotalMessagesLimit', 'name', 'phone', 'timezone']],
  ])('refuses %j', async (wrong, paths) => {
    const refused = await rig.lines.create(rig.caller, wrong).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'VALIDATION' })
    expect((refused as { issues: { path: string }[] }).issues.map((issue) => issue.path).sort()).toEqual(paths)
  })

  it('keeps a stored secret that a patch does not give, replaces one that it gives, and drops it with its kind', async () => {
    const { id } = await rig.lines.create(rig.caller, input)
    const moved = await rig.lines.update(rig.caller, id, { transport: { type: 'bridge', url: 'http://other.local' } })
    expect(open(moved)).toMatchObject({ url: 'http://other.local', password: 'hunter2' })
    expect(open(await rig.lines.update(rig.caller, id, { transport: { ...transport, password: 'new' } }))).toMatchObject({ password: 'new' })
    const renamed = await rig.lines.update(rig.caller, id, { name: 'Renamed', isActive: false, deviceId: 'mac-1' })
    expect(renamed).toMatchObject({ name: 'Renamed', isActive: false, deviceId: 'mac-1', phone: '+14155551000' })
    expect(open(renamed)).toMatchObject({ password: 'new' })
    await rig.lines.update(rig.caller, id, { transport: { type: 'sandbox' } })
    await expect(rig.lines.update(rig.caller, id, { transport: { type: 'bridge', url: transport.url } })).rejects.toMatchObject({
      issues: [{ path: 'transport.password' }],
    })
    await expect(rig.lines.update(rig.caller, id, { channel: 'email', transport })).rejects.toMatchObject({ issues: [{ path: 'channel' }] })
  })

  it('shows what it used today, in its own time zone', async () => {
    const { id } = await rig.lines.create(rig.caller, { ...input, timezone: 'Pacific/Auckland' })
    await rig.opened.lines.commitLedger({
      ...emptyLedger(rig.workspaceId, id),
      days: { '2026-11-23': { total: 3, new: 2, checks: 1 }, '2026-11-22': { total: 9, new: 9, checks: 9 } },
    })
    const line = await rig.lines.get(rig.workspaceId, id)
    expect(line.usage).toEqual({ date: '2026-11-23', newConversationsCount: 2, totalMessagesCount: 3, availabilityChecksCount: 1 })
    expect(line.remaining).toEqual({ newConversations: 48, totalMessages: 147, availabilityChecks: 69 })
  })

  it('is listed by channel, health and whether it is active', async () => {
    const one = await rig.lines.create(rig.caller, input)
    const two = await rig.lines.create(rig.caller, { name: 'S', channel: 'sms', transport: { type: 'sandbox' }, isActive: false })
    rig.answerChecks(bad)
    await rig.lines.check(rig.workspaceId, two.id)
    const ids = async (filter: Parameters<typeof rig.lines.list>[1]) => (await rig.lines.list(rig.workspaceId, filter)).map((line) => line.id)
    expect(await ids({})).toEqual([one.id, two.id])
    expect([await ids({ channel: 'sms' }), await ids({ active: true }), await ids({ active: false })]).toEqual([[two.id], [one.id], [two.id]])
    expect([await ids({ healthy: true }), await ids({ healthy: false })]).toEqual([[one.id], [two.id]])
    expect(await rig.lines.list('ws_other', {})).toEqual([])
  })

  it('goes only when nothing waits on it', async () => {
    const { id } = await rig.lines.create(rig.caller, input)
    const waiting = messageFixture({ workspaceId: rig.workspaceId, fromLineId: id, linePinned: true })
    await rig.opened.messages.insert(waiting)
    await expect(rig.lines.remove(rig.caller, id)).rejects.toMatchObject({ code: 'LINE_IN_USE' })
    await rig.opened.messages.commit({ ...waiting, status: 'cancelled', dueAt: null })
    await rig.lines.remove(rig.caller, id)
    await expect(rig.lines.get(rig.workspaceId, id)).rejects.toMatchObject({ code: 'LINE_NOT_FOUND' })
    await expect(rig.lines.remove(rig.caller, id)).rejects.toMatchObject({ code: 'LINE_NOT_FOUND' })
  })

  it('is checked: health, capability, and an event with the numbers at each change', async () => {
    const { id } = await rig.lines.create(rig.caller, input)
    expect((await rig.lines.check(rig.workspaceId, id)).health).toMatchObject({ status: 'healthy', canCheckAvailability: true })
    rig.answerChecks(bad)
    for (let i = 0; i < 4; i++) await rig.lines.check(rig.workspaceId, id)
    rig.answerChecks(good)
    await rig.lines.check(rig.workspaceId, id)
    const line = await rig.lines.check(rig.workspaceId, id)
    expect(line.health).toMatchObject({ status: 'healthy', reasons: [], lastCheckedAt: rig.parts.runtime.now() })
    expect(rig.events.map(({ type, data }) => [type, data.previousStatus, data.status, data.consecutiveFailures, data.reasons])).toEqual([
      ['line.health_changed', 'healthy', 'degraded', 1, ['the last check failed: connection refused']],
      ['line.health_changed', 'degraded', 'unhealthy', 3, ['the last 3 checks failed: connection refused']],
      ['line.health_changed', 'unhealthy', 'healthy', 0, []],
    ])
  })

  it('is of its workspace only', async () => {
    const { id } = await rig.lines.create(rig.caller, input)
    const stranger = { ...rig.caller, workspaceId: 'ws_other' }
    for (const asked of [
      rig.lines.get('ws_other', id),
      rig.lines.update(stranger, id, {}),
      rig.lines.remove(stranger, id),
      rig.lines.check('ws_other', id),
    ]) {
      await expect(asked).rejects.toMatchObject({ code: 'LINE_NOT_FOUND' })
    }
  })
})
