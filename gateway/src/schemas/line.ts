import { z } from 'zod'
import { channel, date, dateOrNull, email, flag, input, line, maybe, phone, text, zone } from './text.ts'

const count = z.int().min(0).max(1_000_000)
const gap = z.number().min(0).max(86_400)

const limits = {
  dailyNewConversationsLimit: count.optional(),
  dailyTotalMessagesLimit: count.optional(),
  hourlyNewConversationsLimit: count.nullish(),
  dailyAvailabilityChecksLimit: count.optional(),
  deviceGapSeconds: gap.optional(),
  contactGapSeconds: gap.optional(),
  availabilityGapSeconds: gap.optional(),
}

/** Its settings are the transport's to check: it names the field (`transport.url`) when one is wrong. */
const transport = z
  .looseObject({ type: text(50) })
  .refine((value) => Object.keys(value).length <= 30, 'has too many fields')
  .meta({
    description:
      'sandbox: nothing more. bluebubbles: url, password, method. smtp: host, port, secure, user, pass, from. twilio: from or messagingServiceSid.',
  })

const optional = {
  phone: phone.nullish(),
  email: email.nullish(),
  deviceId: maybe(200),
  timezone: zone.optional(),
  isActive: z.boolean().optional(),
  ...limits,
}

export const lineBody = input({ name: line(200), channel, transport, ...optional }).meta({ id: 'LineInput' })
export const linePatch = input({ name: line(200).optional(), channel: channel.optional(), transport: transport.optional(), ...optional })

const word = z.string().nullable()

export const lineAnswer = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    name: z.string(),
    channel,
    phone: word,
    email: word,
    transport: z.looseObject({ type: z.string() }),
    deviceId: word,
    timezone: z.string(),
    isActive: z.boolean(),
    dailyNewConversationsLimit: z.int(),
    dailyTotalMessagesLimit: z.int(),
    hourlyNewConversationsLimit: z.int().nullable(),
    dailyAvailabilityChecksLimit: z.int(),
    deviceGapSeconds: z.number(),
    contactGapSeconds: z.number(),
    availabilityGapSeconds: z.number(),
    health: z.object({ status: z.enum(['healthy', 'degraded', 'unhealthy']), lastCheckedAt: dateOrNull, reasons: z.array(z.string()) }),
    usage: z.object({ date: z.string(), newConversationsCount: z.int(), totalMessagesCount: z.int(), availabilityChecksCount: z.int() }),
    remaining: z.object({ newConversations: z.int(), totalMessages: z.int(), availabilityChecks: z.int() }),
    hookUrl: z.string(),
    createdAt: date,
    updatedAt: date,
  })
  .meta({ id: 'Line' })

export const lineQuery = input({ channel: channel.optional(), healthy: flag, active: flag })
