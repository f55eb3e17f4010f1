import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Channel } from '../message/message.ts'
import { messageFixture } from '../testing/message-fixture.ts'
import { createRecordsRig, type RecordsRig } from '../testing/records-rig.ts'
import type { Lead } from './lead.ts'

const phone = '+14155551001'
const second = '+14155551002'
const email = 'ada@x.com'

let rig: RecordsRig
let lead: Lead
beforeEach(async () => {
  rig = await createRecordsRig()
  const saved = await rig.leads.save(rig.caller, [{ phone, altPhone1: second, email }])
  if (!saved.leads[0]) throw new Error('not saved')
  lead = saved.leads[0]
  rig.events.length = 0
})
afterEach(() => rig.close())

const stop = { reason: 'STOP', source: 'keyword', channels: null }
const narrow = () => rig.workspaces.update(rig.caller, rig.workspaceId, { optOutScope: 'address' })
const fresh = () => rig.leads.get(rig.workspaceId, lead.id)
async function allows(address: string, channel: Channel = 'sms', who: Lead | null = lead): Promise<boolean> {
  return (await rig.consent.allows(rig.workspaceId, { lead: who, address, channel })).allowed
}

describe('opting out', () => {
  it('closes the lead on all its addresses and channels, announces it once, and cancels what is open', async () => {
    expect(await allows(second)).toBe(true)
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    expect([await allows(phone), await allows(second, 'imessage'), await allows(email, 'email')]).toEqual([false, false, false])
    expect((await fresh()).optedOut).toEqual({ all: true })
    expect(rig.cancelled.map((each) => each.recipient)).toEqual([{ leadId: lead.id }, { address: phone }, { address: email }, { address: second }])
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    expect(rig.events.map((event) => [event.type, event.data])).toEqual([
      ['lead.opted_out', { address: phone, reason: 'STOP', source: 'keyword', channels: null, scope: 'lead' }],
    ])
  })

  it('holds for an address of theirs that is named beside another lead, or without one', async () => {
    const { leads } = await rig.leads.save(rig.caller, [{ phone: '+14155551777' }])
    const other = leads[0] ?? null
    expect([await allows(second, 'sms', other), await allows(second, 'sms', null)]).toEqual([true, true])
    await rig.consent.addDnc(rig.caller, { leadId: lead.id, channels: ['sms'] })
    expect([await allows(second, 'sms', other), await allows(second, 'sms', null)]).toEqual([false, false])
    expect([await allows(second, 'imessage', other), await allows('+14155551777', 'sms', other)]).toEqual([true, true])
  })

  it('closes only the channels that were named', async () => {
    await rig.consent.optOut(rig.caller, { lead, address: null, ...stop, channels: ['email'] })
    expect([await allows(email, 'email'), await allows(phone, 'sms'), await allows(email, 'imessage')]).toEqual([false, true, true])
    expect((await fresh()).optedOut).toEqual({ email: true })
    expect(new Set(rig.cancelled.map((each) => String(each.channels)))).toEqual(new Set(['email']))
  })

  it('closes the address alone where the workspace says so, with the event on the lead', async () => {
    await narrow()
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    expect([await allows(phone), await allows(second)]).toEqual([false, true])
    expect((await fresh()).optedOut).toEqual({})
    expect(rig.events.map((event) => [event.type, event.data.scope])).toEqual([['lead.opted_out', 'address']])
    expect(rig.cancelled[0]?.recipient).toEqual({ address: phone })
  })

  it('without a lead closes the address in either scope, also for a lead that is made later', async () => {
    await rig.consent.optOut(rig.caller, { lead: null, address: '+14155551999', ...stop })
    expect(await allows('+14155551999', 'imessage', null)).toBe(false)
    const later = await rig.leads.forRecipient(rig.caller, { phone: '+14155551999' })
    expect(await allows('+14155551999', 'sms', later)).toBe(false)
    await expect(rig.consent.optOut(rig.caller, { lead: null, address: null, ...stop })).rejects.toMatchObject({ code: 'VALIDATION' })
  })

  it('also closes the address it came from when that is none of the lead', async () => {
    await rig.consent.optOut(rig.caller, { lead, address: '+14155551998', ...stop })
    expect([await allows('+14155551998', 'sms', null), await allows(phone)]).toEqual([false, false])
    expect(rig.eventTypes()).toEqual(['lead.opted_out'])
  })

  it('is finished by calling again after a crash before the flag was written', async () => {
    rig.before.set('leads.commit', () => {
      throw new Error('the process dies here')
    })
    await expect(rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })).rejects.toThrow('dies here')
    expect(await allows(second)).toBe(false)
    rig.before.clear()
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    expect((await fresh()).optedOut).toEqual({ all: true })
    expect(rig.eventTypes()).toEqual(['lead.opted_out'])
  })

  it('holds the one who holds a lead that was read before', async () => {
    const stale = await fresh()
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    expect(stale.optedOut).toEqual({})
    expect(await allows(phone, 'sms', stale)).toBe(false)
  })

  it('waits until what was in flight has landed, and not for what starts later', async () => {
    const flying = messageFixture({ id: 'msg_1', workspaceId: rig.workspaceId, leadId: lead.id, status: 'sending', address: phone })
    await rig.opened.messages.insert(flying)
    const from = rig.parts.runtime.now().getTime()
    let polls = 0
    rig.before.set('messages.sendingTo', async () => {
      polls++
      if (polls === 2) await rig.opened.messages.insert({ ...flying, id: 'msg_2' })
      if (polls === 3) await rig.opened.messages.commit({ ...flying, status: 'sent' })
    })
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    expect(polls).toBe(3)
    expect(rig.parts.runtime.now().getTime() - from).toBe(100)
  })

  it('waits two seconds and no longer', async () => {
    await rig.opened.messages.insert(messageFixture({ workspaceId: rig.workspaceId, leadId: lead.id, status: 'sending', address: phone }))
    const from = rig.parts.runtime.now().getTime()
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    expect(rig.parts.runtime.now().getTime() - from).toBe(2_000)
  })
})

describe('opting in again', () => {
  it('opens what STOP closed, and is announced once', async () => {
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    await rig.consent.optIn(rig.caller, { lead, address: phone, source: 'keyword' })
    await rig.consent.optIn(rig.caller, { lead, address: phone, source: 'keyword' })
    expect([await allows(phone), await allows(second), (await fresh()).optedOut]).toEqual([true, true, {}])
    expect(rig.eventTypes()).toEqual(['lead.opted_out', 'lead.opted_in'])
  })

  it('opens an address alone, and one without a lead', async () => {
    await narrow()
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    await rig.consent.optOut(rig.caller, { lead, address: second, ...stop })
    await rig.consent.optOut(rig.caller, { lead: null, address: '+14155551999', ...stop })
    await rig.consent.optIn(rig.caller, { lead, address: phone, source: 'keyword' })
    await rig.consent.optIn(rig.caller, { lead: null, address: '+14155551999', source: 'keyword' })
    expect([await allows(phone), await allows(second), await allows('+14155551999', 'sms', null)]).toEqual([true, false, true])
  })

  it('does not open what the operator put on the list', async () => {
    await rig.consent.addDnc(rig.caller, { leadId: lead.id })
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    await rig.consent.optIn(rig.caller, { lead, address: phone, source: 'keyword' })
    expect([await allows(phone), (await fresh()).optedOut]).toEqual([false, { all: true }])
  })
})

describe('the do-not-contact list', () => {
  it('takes a phone in any spelling, opts its lead out, and lifts that with the entry', async () => {
    const entry = await rig.consent.addDnc(rig.caller, { phone: '(415) 555-1001', reason: 'asked by phone' })
    expect(entry).toMatchObject({ phone, email: null, source: 'api', reason: 'asked by phone', channels: null })
    expect([await allows(phone), await allows(second), (await fresh()).optedOut]).toEqual([false, false, { all: true }])
    expect(rig.cancelled.map((each) => each.recipient)).toContainEqual({ leadId: lead.id })
    await rig.consent.removeDnc(rig.caller, entry.id)
    expect([await allows(phone), await allows(second), (await fresh()).optedOut]).toEqual([true, true, {}])
    expect(rig.eventTypes()).toEqual(['lead.opted_out', 'lead.opted_in'])
  })

  it('does not lift a STOP with an entry of its own', async () => {
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    const entry = await rig.consent.addDnc(rig.caller, { email: 'ADA@x.com' })
    await rig.consent.removeDnc(rig.caller, entry.id)
    expect([await allows(phone), (await fresh()).optedOut]).toEqual([false, { all: true }])
  })

  it('touches no more than the address where the workspace says so, but a lead that is named', async () => {
    await narrow()
    await rig.consent.addDnc(rig.caller, { phone, channels: ['sms'] })
    expect([await allows(phone), await allows(phone, 'imessage'), await allows(second), (await fresh()).optedOut]).toEqual([false, true, true, {}])
    await rig.consent.addDnc(rig.caller, { leadId: lead.id, channels: ['sms'] })
    expect([await allows(second), await allows(second, 'imessage'), (await fresh()).optedOut]).toEqual([false, true, { sms: true }])
  })

  it('is kept once however often it is said, also under a reserved id', async () => {
    const first = await rig.consent.addDnc(rig.caller, { phone }, { id: 'dnc_reserved' })
    const second = await rig.consent.addDnc(rig.caller, { phone }, { id: 'dnc_reserved' })
    const third = await rig.consent.addDnc(rig.caller, { phone })
    expect([first.id, second.id, third.id]).toEqual(['dnc_reserved', 'dnc_reserved', 'dnc_reserved'])
    expect((await rig.consent.findDnc(rig.workspaceId, { limit: 10 })).entries).toHaveLength(1)
  })

  it('refuses what names nobody, too many, or a stranger', async () => {
    await expect(rig.consent.addDnc(rig.caller, {})).rejects.toMatchObject({ code: 'VALIDATION' })
    await expect(rig.consent.addDnc(rig.caller, { phone, email })).rejects.toMatchObject({ code: 'VALIDATION' })
    await expect(rig.consent.addDnc(rig.caller, { phone: '12' })).rejects.toMatchObject({ issues: [{ path: 'phone' }] })
    await expect(rig.consent.addDnc(rig.caller, { phone, channels: [] })).rejects.toMatchObject({ issues: [{ path: 'channels' }] })
    await expect(rig.consent.addDnc(rig.caller, { leadId: 'lead_no' })).rejects.toMatchObject({ code: 'LEAD_NOT_FOUND' })
    await expect(rig.consent.removeDnc(rig.caller, 'dnc_no')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a "no" outlives', () => {
  it('an address that is taken off the lead', async () => {
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop })
    await rig.leads.update(rig.caller, lead.id, { altPhone1: null })
    const later = await rig.leads.forRecipient(rig.caller, { phone: second })
    expect(later.id).not.toBe(lead.id)
    expect(await allows(second, 'sms', later)).toBe(false)
    await rig.consent.optIn(rig.caller, { lead: later, address: second, source: 'keyword' })
    expect(await allows(second, 'sms', later)).toBe(true)
  })

  it('the erasure of the lead, on all its addresses, with nothing left in clear', async () => {
    await rig.consent.optOut(rig.caller, { lead, address: phone, ...stop, channels: ['sms', 'imessage'] })
    await rig.consent.addDnc(rig.caller, { phone, reason: 'asked', channels: ['sms'] })
    await rig.leads.remove(rig.caller, lead.id)
    const again = await rig.leads.forRecipient(rig.caller, { phone: second, email })
    expect([await allows(second, 'sms', again), await allows(second, 'imessage', again), await allows(email, 'email', again)]).toEqual([
      false,
      false,
      true,
    ])
    expect([await allows(phone, 'sms', null), await allows(phone, 'email', null)]).toEqual([false, true])
    const { entries } = await rig.consent.findDnc(rig.workspaceId, { limit: 50 })
    expect(entries.map((entry) => [entry.phone, entry.email, entry.leadId])).toEqual(entries.map(() => [null, null, null]))
    expect(entries.length).toBeGreaterThan(0)
  })
})
