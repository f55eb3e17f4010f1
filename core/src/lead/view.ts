import type { Channel } from '../message/message.ts'
import type { ConsentGrant, Lead } from './lead.ts'

/** A lead as the API and the webhooks show it (api.md §3): dates as ISO strings, nothing of how the engine keeps it. */
export type LeadView = ReturnType<typeof leadView>

export interface ConsentView {
  granted: boolean
  source: string | null
  at: string | null
}

const iso = (date: Date | null): string | null => date?.toISOString() ?? null

function consentView(consent: Lead['consent']): Partial<Record<Channel, ConsentView>> {
  const view: Partial<Record<Channel, ConsentView>> = {}
  for (const [channel, grant] of Object.entries(consent) as [Channel, ConsentGrant][]) {
    view[channel] = { granted: grant.granted, source: grant.source, at: iso(grant.at) }
  }
  return view
}

export function leadView(lead: Lead) {
  return {
    id: lead.id,
    workspaceId: lead.workspaceId,
    firstName: lead.firstName,
    lastName: lead.lastName,
    email: lead.email,
    phone: lead.phone,
    altPhone1: lead.altPhone1,
    altPhone2: lead.altPhone2,
    altPhone3: lead.altPhone3,
    altEmail1: lead.altEmail1,
    altEmail2: lead.altEmail2,
    altEmail3: lead.altEmail3,
    companyName: lead.companyName,
    jobTitle: lead.jobTitle,
    timezone: lead.timezone,
    tags: lead.tags,
    customFields: lead.customFields,
    externalId: lead.externalId,
    source: lead.source,
    contactOwnerEmail: lead.contactOwnerEmail,
    hsContactId: lead.hsContactId,
    hsPortalId: lead.hsPortalId,
    ghlContactId: lead.ghlContactId,
    ghlLocationId: lead.ghlLocationId,
    consent: consentView(lead.consent),
    optedOut: lead.optedOut,
    availabilityStatus: lead.availabilityStatus,
    availableAddress: lead.availableAddress,
    availabilityCheckedAt: iso(lead.availabilityCheckedAt),
    lastContactedAt: iso(lead.lastContactedAt),
    lastRepliedAt: iso(lead.lastRepliedAt),
    createdAt: lead.createdAt.toISOString(),
    updatedAt: lead.updatedAt.toISOString(),
  }
}
