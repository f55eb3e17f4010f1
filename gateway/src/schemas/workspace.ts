import { isCountryCode, scopes } from '@trunkline/core'
import { z } from 'zod'
import { channel, date, dateOrNull, input, line, maybe, page, text, timeOfDay, unique, zone, zoneOrLead } from './text.ts'

const word = z.string().nullable()
const hours = z.number().min(0).max(8_760)
const routeName = z.enum(['gohighlevel', 'twilio', 'email'])

const settings = {
  externalId: maybe(200),
  timezone: zone.optional(),
  defaultCountryCode: z
    .string()
    .regex(/^\+[1-9]\d{0,3}$/, 'must be a country code such as +1')
    .refine(isCountryCode, 'is the code of no country')
    .optional(),
  optOutScope: z.enum(['lead', 'address']).optional(),
  fallback: z
    .strictObject({
      // An empty list is how fallback is switched off.
      routes: unique(routeName, { min: 0, max: 3 }).optional(),
      sendFallbackSmsOnFailed: z.boolean().optional(),
    })
    .optional(),
  quietHours: z
    .strictObject({ start: timeOfDay, end: timeOfDay, timezone: zoneOrLead })
    .nullish()
    .meta({ description: 'The closed period; null: none' }),
  stopKeywords: z.array(text(40)).max(100).optional(),
  availability: z.strictObject({ availableTtlHours: hours.optional(), unavailableTtlHours: hours.optional() }).optional(),
}

export const workspaceBody = input({ name: line(200), ...settings }).meta({ id: 'WorkspaceInput' })
export const workspacePatch = input({ name: line(200).optional(), ...settings })
export const readOnlyBody = z.strictObject({ readOnly: input({ reason: text(500) }).nullable() })

export const workspace = z
  .object({
    id: z.string(),
    name: z.string(),
    externalId: word,
    timezone: z.string(),
    defaultCountryCode: z.string(),
    optOutScope: z.enum(['lead', 'address']),
    fallback: z.object({ routes: z.array(z.string()), sendFallbackSmsOnFailed: z.boolean() }),
    quietHours: z.object({ start: z.string(), end: z.string(), timezone: z.string() }).nullable(),
    stopKeywords: z.array(z.string()),
    availability: z.object({ availableTtlHours: z.number(), unavailableTtlHours: z.number() }),
    readOnly: z.object({ reason: z.string() }).nullable(),
    createdAt: date,
    updatedAt: date,
  })
  .meta({ id: 'Workspace' })

export const workspacePage = z.object({ workspaces: z.array(workspace), nextCursor: word })
export const jobStarted = z.object({ jobId: z.string(), total: z.int() })
export const pageQuery = input(page)

export const keyBody = input({ name: line(200), scopes: unique(z.enum(scopes), { max: scopes.length }) })

const shownKey = {
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  hint: z.string(),
  expiresAt: dateOrNull,
  revokedAt: dateOrNull,
  createdAt: date,
}
export const key = z.object(shownKey).meta({ id: 'ApiKey' })
export const keyWithSecret = z.object({ ...shownKey, secret: z.string() }).meta({ id: 'ApiKeyWithSecret' })

export const auditPage = z.object({
  entries: z.array(
    z.object({ id: z.string(), actor: z.string(), action: z.string(), target: z.string(), data: z.record(z.string(), z.unknown()), at: date }),
  ),
  nextCursor: word,
})

export const job = z
  .object({
    id: z.string(),
    kind: z.string(),
    status: z.enum(['running', 'done', 'failed']),
    total: z.int(),
    done: z.int(),
    savedCount: z.int(),
    duplicateCount: z.int(),
    errors: z.array(z.object({ row: z.int(), field: z.string(), message: z.string() })),
    createdAt: date,
    updatedAt: date,
  })
  .meta({ id: 'Job' })

export const dncEntry = z
  .object({
    id: z.string(),
    phone: word,
    email: word,
    leadId: word,
    channels: z.array(channel).nullable(),
    reason: word,
    source: z.string(),
    createdAt: date,
  })
  .meta({ id: 'DncEntry' })
export const dncPage = z.object({ entries: z.array(dncEntry), nextCursor: word })
