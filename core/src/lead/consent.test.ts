import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Channel, channels } from '../message/message.ts'
import { canonical, consentVerdict, flagsSet, keptFor, liftFlags, type OptedOut, optOutFlags } from './consent.ts'
import type { DncEntry } from './store.ts'

const lead = { id: 'lead_1', optedOut: {}, consent: {} }

function entry(fields: Partial<DncEntry>): DncEntry {
  const base = { id: 'dnc_1', workspaceId: 'ws_1', phone: null, email: null, leadId: null, addressHash: null, channels: null }
  return { ...base, reason: null, source: 'api', createdAt: new Date(0), ...fields }
}

const someChannels = fc.option(fc.subarray([...channels], { minLength: 1 }), { nil: null })
const anyFlags: fc.Arbitrary<OptedOut> = fc.record(
  { all: fc.boolean(), imessage: fc.boolean(), sms: fc.boolean(), email: fc.boolean() },
  { requiredKeys: [] },
)
const anyEntry = fc
  .record({ channels: someChannels, source: fc.constantFrom('api', 'keyword', 'hubspot') })
  .map((fields) => entry({ ...fields, leadId: 'lead_1' }))

describe('the verdict', () => {
  const to = { channel: 'sms' as const, addressHash: 'h1' }

  it('is yes when nobody said no, and for a recipient without a lead', () => {
    expect(consentVerdict(lead, [], to)).toEqual({ allowed: true })
    expect(consentVerdict(null, [], to)).toEqual({ allowed: true })
    expect(consentVerdict({ ...lead, consent: { sms: { granted: true, source: null, at: null } } }, [], to)).toEqual({ allowed: true })
  })

  it.each([
    ['the lead opted out', { ...lead, optedOut: { all: true } }, []],
    ['the lead opted out of this channel', { ...lead, optedOut: { sms: true } }, []],
    ['the address is on the list', lead, [entry({ addressHash: 'h1' })]],
    ['the address is on the list and nobody knows the lead', null, [entry({ addressHash: 'h1', channels: ['sms'] })]],
    ['the lead is on the list', lead, [entry({ leadId: 'lead_1' })]],
    ['consent was withdrawn', { ...lead, consent: { sms: { granted: false, source: null, at: null } } }, []],
  ])('is no when %s', (_, who, entries) => {
    expect(consentVerdict(who, entries, to)).toEqual({ allowed: false, why: expect.any(String) })
  })

  it.each([
    ['another channel was refused', { ...lead, optedOut: { email: true } }, [entry({ addressHash: 'h1', channels: ['email', 'imessage'] })]],
    ['another address is on the list', lead, [entry({ addressHash: 'h2' })]],
    ['another lead is on the list', lead, [entry({ leadId: 'lead_2' })]],
    ['an entry was blanked to nothing', null, [entry({})]],
    ['a flag was taken back', { ...lead, optedOut: { all: false, sms: false } }, []],
  ])('stays yes when %s', (_, who, entries) => {
    expect(consentVerdict(who, entries, to)).toEqual({ allowed: true })
  })

  it('never turns to yes by one more "no"', () => {
    fc.assert(
      fc.property(anyFlags, fc.array(anyEntry), anyEntry, fc.constantFrom(...channels), (optedOut, entries, more, channel) => {
        const before = consentVerdict({ ...lead, optedOut }, entries, { channel, addressHash: 'h1' })
        const after = consentVerdict({ ...lead, optedOut }, [...entries, more], { channel, addressHash: 'h1' })
        if (!before.allowed) expect(after.allowed).toBe(false)
        const flagged = consentVerdict({ ...lead, optedOut: optOutFlags(optedOut, more.channels) }, entries, { channel, addressHash: 'h1' })
        if (more.channels === null || more.channels.includes(channel)) expect([after.allowed, flagged.allowed]).toEqual([false, false])
      }),
    )
  })
})

describe('flags', () => {
  it('are the same object when nothing changes, so that nothing is announced', () => {
    const flags: OptedOut = { all: true }
    expect(optOutFlags(flags, null)).toBe(flags)
    expect(liftFlags(flags, ['sms'], [])).toBe(flags)
    expect(liftFlags(flags, ['all'], [entry({ channels: null })])).toBe(flags)
    expect(optOutFlags(flags, ['sms'])).toEqual({ all: true, sms: true })
  })

  it('are lifted with the entry that set them, but never from under another', () => {
    expect(liftFlags({ all: true, sms: true }, ['all'], [])).toEqual({ sms: true })
    expect(liftFlags({ sms: true, email: true }, ['sms', 'email'], [entry({ channels: ['email'] })])).toEqual({ email: true })
    expect(liftFlags({ all: true }, ['all'], [entry({ channels: ['sms'] })])).toEqual({})
  })

  it('set and lifted again are as before', () => {
    fc.assert(
      fc.property(someChannels, (list) => {
        const set = optOutFlags({}, list)
        expect(flagsSet(set)).toEqual(list === null ? ['all'] : channels.filter((channel) => list.includes(channel)))
        expect(liftFlags(set, flagsSet(set), [])).toEqual({})
      }),
    )
  })

  it('name channels in one order, each once, and all of them as none', () => {
    expect(canonical(['email', 'sms', 'email'])).toEqual(['sms', 'email'])
    expect(canonical(['email', 'imessage', 'sms'])).toBeNull()
    expect(canonical(null)).toBeNull()
  })
})

describe('what is kept for an address that leaves', () => {
  it('refuses every channel that the lead refused, and no other', () => {
    const refused = (flags: OptedOut, entries: readonly Pick<DncEntry, 'channels'>[], channel: Channel) =>
      Boolean(flags.all || flags[channel]) || entries.some((each) => each.channels === null || each.channels.includes(channel))
    fc.assert(
      fc.property(anyFlags, fc.array(anyEntry, { maxLength: 4 }), (flags, entries) => {
        const kept = keptFor(flags, entries)
        for (const channel of channels) expect(refused({}, kept, channel)).toBe(refused(flags, entries, channel))
      }),
    )
  })

  it('says nothing twice: a flag that an entry stands for is kept as that entry', () => {
    expect(keptFor({ all: true }, [entry({ source: 'keyword', leadId: 'lead_1' })])).toEqual([{ channels: null, reason: null, source: 'keyword' }])
    expect(keptFor({ all: true }, [])).toEqual([{ channels: null, reason: null, source: 'opted_out' }])
  })
})
