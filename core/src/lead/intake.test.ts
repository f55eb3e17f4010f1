import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressesIn, needsCountry, newLead, patchLead, readLead } from './intake.ts'
import { addressesOf, type Lead } from './lead.ts'

const now = new Date('2026-11-22T12:00:00Z')
const later = new Date('2026-11-22T13:00:00Z')
const options = { defaultCountryCode: '+1', path: 'leads.3.' }

const lead: Lead = {
  ...newLead({ phone: '+14155550101', email: 'ada@example.com', customFields: { tier: 'gold', age: 3 } }, { id: 'lead_1', workspaceId: 'ws_1', now }),
  availabilityStatus: 'available',
  availableAddress: '+14155550101',
  availabilityCheckedAt: now,
}

describe('reading a lead', () => {
  it('normalises addresses, trims texts and takes an empty text as not given', () => {
    const { fields, issues } = readLead(
      { phone: '(415) 555-0101', altEmail1: ' ADA@x.com', firstName: ' Ada ', lastName: '', email: '  ', tags: ['a', ' a', ''] },
      options,
    )
    expect(issues).toEqual([])
    expect(fields).toEqual({ phone: '+14155550101', altEmail1: 'ada@x.com', firstName: 'Ada', lastName: null, email: null, tags: ['a'] })
    expect(addressesIn(fields)).toEqual(['+14155550101', 'ada@x.com'])
  })

  it('names every fault by its field', () => {
    const input = {
      altPhone1: '12',
      email: 'x',
      timezone: 'Mars/Olympus',
      consent: { sms: { granted: true, at: 'soon' } },
      jobTitle: 'x'.repeat(501),
    }
    const paths = readLead(input, options).issues.map((issue) => issue.path)
    expect(paths.sort()).toEqual(['leads.3.altPhone1', 'leads.3.consent.sms.at', 'leads.3.email', 'leads.3.jobTitle', 'leads.3.timezone'])
  })

  it('reads consent with its time', () => {
    const { fields } = readLead({ consent: { sms: { granted: true, source: 'form', at: '2026-01-02T03:04:05+01:00' } } }, options)
    expect(fields.consent).toEqual({ sms: { granted: true, source: 'form', at: new Date('2026-01-02T02:04:05Z') } })
  })

  it('asks for the country only when a number is national', () => {
    expect(needsCountry({ phone: '+14155550101', altPhone1: '0044 20 7946 0000', email: 'a@b.com' })).toBe(false)
    expect(needsCountry({ phone: '+14155550101', altPhone1: '415 555 0101' })).toBe(true)
  })
})

describe('patching a lead', () => {
  it('changes nothing and is the same object when nothing differs', () => {
    const same = patchLead(lead, { phone: '+14155550101', customFields: { tier: 'gold' } }, later)
    expect(same).toEqual({ lead, changed: [] })
    expect(same.lead).toBe(lead)
  })

  it('merges custom fields, takes away what is null, and leaves the rest alone', () => {
    const { lead: next, changed } = patchLead(lead, { customFields: { tier: null, team: 'red' }, firstName: 'Ada' }, later)
    expect(next.customFields).toEqual({ age: 3, team: 'red' })
    expect(next.updatedAt).toEqual(later)
    expect(changed.sort()).toEqual(['customFields', 'firstName'])
    expect(next.availabilityStatus).toBe('available')
  })

  it('merges consent by channel', () => {
    const granted = { granted: true, source: null, at: null }
    const first = patchLead(lead, { consent: { sms: granted } }, later).lead
    expect(patchLead(first, { consent: { email: { ...granted, granted: false } } }, later).lead.consent).toEqual({
      sms: granted,
      email: { ...granted, granted: false },
    })
  })

  it('forgets what was known of availability when the address it was about goes, and keeps it otherwise', () => {
    expect(patchLead(lead, { phone: null }, later).lead).toMatchObject({
      availabilityStatus: 'unknown',
      availableAddress: null,
      availabilityCheckedAt: null,
    })
    expect(patchLead(lead, { altPhone1: '+14155550102' }, later).lead).toMatchObject({
      availabilityStatus: 'available',
      availableAddress: '+14155550101',
    })
    const unreachable: Lead = { ...lead, availabilityStatus: 'unavailable', availableAddress: null }
    expect(patchLead(unreachable, { altPhone1: '+14155550102' }, later).lead.availabilityStatus).toBe('unknown')
  })

  it('twice is once', () => {
    const fields = fc.record(
      {
        phone: fc.constantFrom(null, '+14155550101', '+14155550102'),
        firstName: fc.constantFrom(null, 'Ada', 'Bob'),
        tags: fc.array(fc.constantFrom('a', 'b')),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fields, (patch) => {
        const once = patchLead(lead, patch, later)
        const twice = patchLead(once.lead, patch, later)
        expect(twice.changed).toEqual([])
        expect(once.changed.length === 0).toBe(once.lead === lead)
        if (patch.phone !== undefined) expect(addressesOf(once.lead).includes('+14155550101')).toBe(patch.phone === '+14155550101')
      }),
    )
  })
})
