import { expect, it } from 'vitest'
import type { Lead } from './lead.ts'
import { leadView } from './view.ts'

const at = new Date('2026-11-22T10:00:00Z')

it('shows what the API promises, dates as ISO strings, and nothing of how it is kept', () => {
  const lead: Lead = {
    id: 'lead_1',
    workspaceId: 'ws_1',
    version: 4,
    seq: 2,
    outbox: [],
    firstName: 'Ada',
    lastName: null,
    phone: '+15005550001',
    email: null,
    altPhone1: null,
    altPhone2: null,
    altPhone3: null,
    altEmail1: null,
    altEmail2: null,
    altEmail3: null,
    companyName: null,
    jobTitle: null,
    timezone: 'Europe/Berlin',
    tags: ['a'],
    customFields: { n: 1 },
    externalId: null,
    source: null,
    contactOwnerEmail: null,
    hsContactId: '7',
    hsPortalId: null,
    ghlContactId: null,
    ghlLocationId: null,
    consent: { sms: { granted: true, source: 'form', at } },
    optedOut: { all: true },
    availabilityStatus: 'available',
    availableAddress: '+15005550001',
    availabilityCheckedAt: at,
    lastContactedAt: null,
    lastRepliedAt: at,
    createdAt: at,
    updatedAt: at,
  }
  const view = leadView(lead)
  expect(view).toMatchObject({
    id: 'lead_1',
    firstName: 'Ada',
    customFields: { n: 1 },
    consent: { sms: { granted: true, source: 'form', at: '2026-11-22T10:00:00.000Z' } },
    optedOut: { all: true },
    availabilityCheckedAt: '2026-11-22T10:00:00.000Z',
    lastContactedAt: null,
    lastRepliedAt: '2026-11-22T10:00:00.000Z',
  })
  const missing = Object.keys(lead).filter((field) => !(field in view))
  expect(missing).toEqual(['version', 'seq', 'outbox'])
  expect(JSON.parse(JSON.stringify(view))).toEqual(view)
})
