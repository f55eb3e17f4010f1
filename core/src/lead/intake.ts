import { DateTime, IANAZone } from 'luxon'
import type { Issue } from '../errors.ts'
import { type Channel, channels } from '../message/message.ts'
import type { LeadInput } from '../operations.ts'
import { emailFields, isNational, normaliseEmail, normalisePhone, phoneFields } from './addresses.ts'
import { type AddressField, addressesOf, addressFields, type ConsentGrant, type Lead } from './lead.ts'

export const textFields = [
  'firstName',
  'lastName',
  'companyName',
  'jobTitle',
  'timezone',
  'externalId',
  'source',
  'contactOwnerEmail',
  'hsContactId',
  'hsPortalId',
  'ghlContactId',
  'ghlLocationId',
] as const satisfies readonly (keyof LeadInput & keyof Lead)[]

type TextField = (typeof textFields)[number]

/** What a caller wrote about a lead, read: only the fields that were given; null: cleared. */
export interface LeadFields extends Partial<Record<AddressField | TextField, string | null>> {
  tags?: readonly string[]
  customFields?: Readonly<Record<string, unknown>>
  consent?: Lead['consent']
}

/** Whether the workspace's default country code has a say in how these fields are read. */
export function needsCountry(input: LeadInput): boolean {
  return phoneFields.some((field) => input[field] && isNational(input[field]))
}

/** Reads and normalises. An empty string means "not given", which in a patch clears. `path` comes before the names of fields in issues. */
export function readLead(input: LeadInput, options: { defaultCountryCode: string; path: string }): { fields: LeadFields; issues: Issue[] } {
  const fields: LeadFields = {}
  const issues: Issue[] = []
  const refuse = (field: string, message: string) => issues.push({ path: `${options.path}${field}`, message })
  const readAddress = (field: AddressField, read: (text: string) => ReturnType<typeof normaliseEmail>) => {
    const text = input[field]
    if (text === undefined) return
    const answer = text === null || text.trim() === '' ? ({ ok: true, value: null } as const) : read(text)
    if (answer.ok) fields[field] = answer.value
    else refuse(field, answer.why)
  }
  for (const field of phoneFields) readAddress(field, (text) => normalisePhone(text, options.defaultCountryCode))
  for (const field of emailFields) readAddress(field, normaliseEmail)
  for (const field of textFields) {
    const text = input[field]
    if (text === undefined) continue
    fields[field] = text?.trim() || null
    if (text !== null && text.length > 500) refuse(field, 'has at most 500 characters')
  }
  if (fields.timezone && !IANAZone.isValidZone(fields.timezone)) refuse('timezone', 'is not an IANA time zone')
  if (input.tags) fields.tags = [...new Set(input.tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))]
  if (input.customFields) fields.customFields = input.customFields
  if (input.consent) {
    const consent: Partial<Record<Channel, ConsentGrant>> = {}
    for (const channel of channels) {
      const grant = input.consent[channel]
      if (!grant) continue
      const at = grant.at ? dateOf(grant.at) : null
      if (grant.at && at === null) refuse(`consent.${channel}.at`, 'is not an ISO 8601 date')
      consent[channel] = { granted: grant.granted, source: grant.source ?? null, at }
    }
    fields.consent = consent
  }
  return { fields, issues }
}

function dateOf(text: string): Date | null {
  const at = DateTime.fromISO(text, { zone: 'utc' })
  return at.isValid ? at.toJSDate() : null
}

/** The addresses among what was read, in field order. */
export function addressesIn(fields: LeadFields): string[] {
  return [...new Set(addressFields.flatMap((field) => fields[field] ?? []))]
}

/** A lead as it begins. */
export function newLead(fields: LeadFields, at: { id: string; workspaceId: string; now: Date }): Lead {
  const text = (field: AddressField | TextField) => fields[field] ?? null
  return {
    id: at.id,
    workspaceId: at.workspaceId,
    version: 1,
    seq: 0,
    outbox: [],
    firstName: text('firstName'),
    lastName: text('lastName'),
    phone: text('phone'),
    email: text('email'),
    altPhone1: text('altPhone1'),
    altPhone2: text('altPhone2'),
    altPhone3: text('altPhone3'),
    altEmail1: text('altEmail1'),
    altEmail2: text('altEmail2'),
    altEmail3: text('altEmail3'),
    companyName: text('companyName'),
    jobTitle: text('jobTitle'),
    timezone: text('timezone'),
    tags: fields.tags ?? [],
    customFields: fields.customFields ?? {},
    externalId: text('externalId'),
    source: text('source'),
    contactOwnerEmail: text('contactOwnerEmail'),
    hsContactId: text('hsContactId'),
    hsPortalId: text('hsPortalId'),
    ghlContactId: text('ghlContactId'),
    ghlLocationId: text('ghlLocationId'),
    consent: fields.consent ?? {},
    optedOut: {},
    availabilityStatus: 'unknown',
    availableAddress: null,
    availabilityCheckedAt: null,
    lastContactedAt: null,
    lastRepliedAt: null,
    createdAt: at.now,
    updatedAt: at.now,
  }
}

/**
 * The lead after a patch, and the names of the fields that differ. Custom fields are merged (null takes one away), consent is merged by channel,
 * tags are replaced. What is known of availability is forgotten when the addresses it was about change.
 */
export function patchLead(lead: Lead, fields: LeadFields, now: Date): { lead: Lead; changed: string[] } {
  const merged = Object.entries({ ...lead.customFields, ...fields.customFields }).filter(([, value]) => value !== null)
  const wish: LeadFields = { ...fields }
  if (fields.customFields) wish.customFields = Object.fromEntries(merged)
  if (fields.consent) wish.consent = { ...lead.consent, ...fields.consent }
  const changed = (Object.keys(wish) as (keyof LeadFields)[]).filter((field) => JSON.stringify(wish[field]) !== JSON.stringify(lead[field]))
  if (changed.length === 0) return { lead, changed }
  const next = { ...lead, ...wish, updatedAt: now }
  const before = addressesOf(lead)
  const after = addressesOf(next)
  const isSame = before.length === after.length && before.every((address) => after.includes(address))
  const keepsAnswer = isSame || (lead.availableAddress !== null && after.includes(lead.availableAddress))
  return { lead: keepsAnswer ? next : { ...next, availabilityStatus: 'unknown', availableAddress: null, availabilityCheckedAt: null }, changed }
}
