import { IANAZone } from 'luxon'
import type { z } from 'zod'
import type { Issue } from '../errors.ts'
import { normaliseEmail, normalisePhone } from '../lead/addresses.ts'
import type { LineInput } from '../operations.ts'
import type { TransportKind } from '../transport/transport.ts'
import { defaultLimits, type Line, type LineLimits } from './line.ts'

/** What a line is told to be, without its transport's settings. */
export type LineFields = Pick<Line, 'name' | 'channel' | 'phone' | 'email' | 'deviceId' | 'timezone' | 'isActive' | 'limits'>

const counts = ['dailyNewConversationsLimit', 'dailyTotalMessagesLimit', 'dailyAvailabilityChecksLimit'] as const
const gaps = ['deviceGapSeconds', 'contactGapSeconds', 'availabilityGapSeconds'] as const
const countMax = 1_000_000
const gapMax = 86_400

const isCount = (value: number) => Number.isInteger(value) && value >= 0 && value <= countMax
const isGap = (value: number) => Number.isFinite(value) && value >= 0 && value <= gapMax

/** A new line's limits; the sandbox keeps no gaps unless it is told to. */
export function limitsFor(kind: Pick<TransportKind, 'noGaps'>): LineLimits {
  return kind.noGaps ? { ...defaultLimits, deviceGapSeconds: 0, contactGapSeconds: 0, availabilityGapSeconds: 0 } : defaultLimits
}

/** The fields after an input: what is not given stays. Every fault at once. */
export function readLine(current: LineFields, input: LineInput, defaultCountryCode: string): { fields: LineFields; issues: Issue[] } {
  const issues: Issue[] = []
  const refuse = (path: string, message: string) => issues.push({ path, message })
  const address = (field: 'phone' | 'email', read: (text: string) => ReturnType<typeof normaliseEmail>): string | null => {
    const text = input[field]
    if (text === undefined) return current[field]
    if (text === null || text.trim() === '') return null
    const answer = read(text)
    if (answer.ok) return answer.value
    refuse(field, answer.why)
    return null
  }
  const fields: LineFields = {
    name: input.name?.trim() ?? current.name,
    channel: input.channel ?? current.channel,
    phone: address('phone', (text) => normalisePhone(text, defaultCountryCode)),
    email: address('email', normaliseEmail),
    deviceId: input.deviceId === undefined ? current.deviceId : input.deviceId?.trim() || null,
    timezone: input.timezone ?? current.timezone,
    isActive: input.isActive ?? current.isActive,
    limits: {
      dailyNewConversationsLimit: input.dailyNewConversationsLimit ?? current.limits.dailyNewConversationsLimit,
      dailyTotalMessagesLimit: input.dailyTotalMessagesLimit ?? current.limits.dailyTotalMessagesLimit,
      hourlyNewConversationsLimit:
        input.hourlyNewConversationsLimit === undefined ? current.limits.hourlyNewConversationsLimit : input.hourlyNewConversationsLimit,
      dailyAvailabilityChecksLimit: input.dailyAvailabilityChecksLimit ?? current.limits.dailyAvailabilityChecksLimit,
      deviceGapSeconds: input.deviceGapSeconds ?? current.limits.deviceGapSeconds,
      contactGapSeconds: input.contactGapSeconds ?? current.limits.contactGapSeconds,
      availabilityGapSeconds: input.availabilityGapSeconds ?? current.limits.availabilityGapSeconds,
    },
  }
  if (fields.name === '' || fields.name.length > 200) refuse('name', 'is needed, with at most 200 characters')
  if (!IANAZone.isValidZone(fields.timezone)) refuse('timezone', 'is not an IANA time zone')
  if (fields.deviceId && fields.deviceId.length > 200) refuse('deviceId', 'has at most 200 characters')
  for (const field of counts) if (!isCount(fields.limits[field])) refuse(field, `is a whole number from 0 to ${countMax}`)
  const hourly = fields.limits.hourlyNewConversationsLimit
  if (hourly !== null && !isCount(hourly)) refuse('hourlyNewConversationsLimit', `is a whole number from 0 to ${countMax}, or null`)
  for (const field of gaps) if (!isGap(fields.limits[field])) refuse(field, `is a number of seconds from 0 to ${gapMax}`)
  return { fields, issues }
}

/** The transport's own settings, parsed by its schema; faults are named `transport.url`. `kept`: stored secrets, used where none is given. */
export function readTransport(
  kind: Pick<TransportKind, 'type' | 'settings'>,
  input: Readonly<Record<string, unknown>>,
  kept: Readonly<Record<string, unknown>>,
): { settings: Record<string, unknown>; issues: Issue[] } {
  const { type: _, ...given } = input
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const parsed = kind.settings.safeParse({ ...kept, ...settings })
  if (parsed.success) return { settings: parsed.data, issues: [] }
  return { settings: {}, issues: parsed.error.issues.map((issue) => ({ path: pathOf(issue), message: issue.message })) }
}

function pathOf(issue: z.core.$ZodIssue): string {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  return ['transport', ...issue.path, ...unknown].map(String).join('.')
}
