import type { Aggregate } from '../event/event.ts'
import type { Channel } from '../message/message.ts'

export const addressFields = ['phone', 'email', 'altPhone1', 'altPhone2', 'altPhone3', 'altEmail1', 'altEmail2', 'altEmail3'] as const
export type AddressField = (typeof addressFields)[number]

export type AvailabilityStatus = 'available' | 'unavailable' | 'error' | 'unknown'

export interface ConsentGrant {
  granted: boolean
  source: string | null
  at: Date | null
}

export interface Lead extends Aggregate {
  readonly firstName: string | null
  readonly lastName: string | null
  readonly phone: string | null
  readonly email: string | null
  readonly altPhone1: string | null
  readonly altPhone2: string | null
  readonly altPhone3: string | null
  readonly altEmail1: string | null
  readonly altEmail2: string | null
  readonly altEmail3: string | null
  readonly companyName: string | null
  readonly jobTitle: string | null
  readonly timezone: string | null
  readonly tags: readonly string[]
  readonly customFields: Readonly<Record<string, unknown>>
  readonly externalId: string | null
  readonly source: string | null
  readonly contactOwnerEmail: string | null
  readonly hsContactId: string | null
  readonly hsPortalId: string | null
  readonly ghlContactId: string | null
  readonly ghlLocationId: string | null
  readonly consent: Readonly<Partial<Record<Channel, ConsentGrant>>>
  readonly optedOut: Readonly<Partial<Record<Channel | 'all', boolean>>>
  readonly availabilityStatus: AvailabilityStatus
  readonly availableAddress: string | null
  readonly availabilityCheckedAt: Date | null
  readonly lastContactedAt: Date | null
  readonly lastRepliedAt: Date | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface LeadList {
  readonly id: string
  readonly workspaceId: string
  readonly name: string
  readonly description: string | null
  readonly createdAt: Date
}

/** Every address of the lead, each once, in field order. */
export function addressesOf(lead: Pick<Lead, AddressField>): string[] {
  const seen = new Set<string>()
  for (const field of addressFields) {
    const value = lead[field]
    if (value !== null) seen.add(value)
  }
  return [...seen]
}
