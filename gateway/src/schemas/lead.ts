import { z } from 'zod'
import { checkedAddress, crmIds } from './message.ts'
import { bag, date, dateOrNull, email, id, input, instant, line, maybe, page, phone, text, zone } from './text.ts'

const grant = input({ granted: z.boolean(), source: maybe(200), at: instant.nullish() })

const fields = {
  firstName: line(200).nullish(),
  lastName: line(200).nullish(),
  email: email.nullish(),
  phone: phone.nullish(),
  altPhone1: phone.nullish(),
  altPhone2: phone.nullish(),
  altPhone3: phone.nullish(),
  altEmail1: email.nullish(),
  altEmail2: email.nullish(),
  altEmail3: email.nullish(),
  companyName: maybe(300),
  jobTitle: maybe(300),
  timezone: zone.nullish(),
  tags: z.array(text(100)).max(100).optional(),
  customFields: bag.optional(),
  externalId: maybe(200),
  source: maybe(200),
  listId: id.nullish(),
  contactOwnerEmail: email.nullish(),
  ...crmIds,
  consent: z.strictObject({ sms: grant.optional(), imessage: grant.optional(), email: grant.optional() }).optional(),
}

export const leadBody = input(fields).meta({ id: 'LeadInput' })
export const leadsBody = z.strictObject({ leads: z.array(leadBody).min(1).max(1_000) })
export const saveBody = z.union([leadsBody, leadBody])

const word = z.string().nullable()
const optOut = z.boolean().optional()
const consentAnswer = z.object({ granted: z.boolean(), source: word, at: dateOrNull }).optional()
export const availabilityStatus = z.enum(['available', 'unavailable', 'error', 'unknown'])

export const lead = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    firstName: word,
    lastName: word,
    email: word,
    phone: word,
    altPhone1: word,
    altPhone2: word,
    altPhone3: word,
    altEmail1: word,
    altEmail2: word,
    altEmail3: word,
    companyName: word,
    jobTitle: word,
    timezone: word,
    tags: z.array(z.string()),
    customFields: z.record(z.string(), z.unknown()),
    externalId: word,
    source: word,
    contactOwnerEmail: word,
    hsContactId: word,
    hsPortalId: word,
    ghlContactId: word,
    ghlLocationId: word,
    consent: z.object({ sms: consentAnswer, imessage: consentAnswer, email: consentAnswer }),
    optedOut: z.object({ all: optOut, sms: optOut, imessage: optOut, email: optOut }),
    availabilityStatus,
    availableAddress: word,
    availabilityCheckedAt: dateOrNull,
    lastContactedAt: dateOrNull,
    lastRepliedAt: dateOrNull,
    createdAt: date,
    updatedAt: date,
  })
  .meta({ id: 'Lead' })

export const saveAnswer = z.object({
  savedCount: z.int(),
  duplicateCount: z.int(),
  leadIds: z.array(z.string()),
  leads: z.array(lead),
  duplicates: z.array(z.object({ input: z.record(z.string(), z.unknown()), existingLeadId: z.string() })),
})

export const leadQuery = input({ listId: id.optional(), address: text(254).optional(), externalId: text(200).optional(), ...page })
export const leadPage = z.object({ leads: z.array(lead), nextCursor: word })

export const listBody = input({ name: text(200), description: maybe(1_000) })
export const list = z.object({ id: z.string(), name: z.string(), description: word, leadCount: z.int(), createdAt: date }).meta({ id: 'List' })
export const listLeadsBody = z.strictObject({ leadIds: z.array(id).min(1).max(1_000) })

export const addressAnswer = z
  .object({ address: z.string(), available: z.boolean().nullable(), status: availabilityStatus, checkedAt: dateOrNull, detail: word })
  .meta({ id: 'AddressAvailability' })

export const leadAnswer = z
  .object({
    leadId: z.string(),
    available: z.boolean().nullable(),
    status: availabilityStatus,
    address: word,
    checkedAddresses: z.array(checkedAddress),
  })
  .meta({ id: 'LeadAvailability' })

export const checkLeadsBody = input({ leadIds: z.array(id).min(1).max(10_000).optional(), listId: id.optional() }).refine(
  ({ leadIds, listId }) => (leadIds === undefined) !== (listId === undefined),
  'give exactly one of leadIds, listId',
)
