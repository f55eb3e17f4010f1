import { holdReasons, statuses } from '@trunkline/core'
import { z } from 'zod'
import {
  bag,
  channel,
  date,
  dateOrNull,
  email,
  httpUrl,
  id,
  input,
  instant,
  line,
  maybe,
  page,
  phone,
  since,
  text,
  timeOfDay,
  unique,
  zoneOrLead,
} from './text.ts'

/** The ids by which a CRM knows the recipient, echoed to where the answer goes. */
export const crmIds = { ghlContactId: maybe(200), ghlLocationId: maybe(200), hsContactId: maybe(200), hsPortalId: maybe(200) }

export const sendBody = input({
  message: text(10_000)
    .refine((value) => value.trim() !== '', 'must not be blank')
    .meta({ description: 'The text' }),
  messageType: channel.optional().meta({ description: 'imessage when left out' }),
  leadId: id.nullish(),
  recipientPhone: phone.nullish(),
  recipientEmail: email.nullish(),
  recipientName: line(200).nullish(),
  altPhone1: phone.nullish(),
  altPhone2: phone.nullish(),
  altPhone3: phone.nullish(),
  altEmail1: email.nullish(),
  altEmail2: email.nullish(),
  altEmail3: email.nullish(),
  fromLineId: id.nullish(),
  attachmentUrls: z.array(httpUrl).max(10).optional(),
  scheduledDate: instant.nullish(),
  timezone: zoneOrLead.nullish(),
  sendWindowStart: timeOfDay.nullish(),
  sendWindowEnd: timeOfDay.nullish(),
  allowedDaysOfWeek: unique(z.int().min(0).max(6), { max: 7 }).nullish().meta({ description: '0 is Sunday' }),
  sendFallbackSmsOnFailed: z.boolean().nullish(),
  priority: z.enum(['high', 'normal']).optional(),
  batchId: maybe(200),
  metadata: bag.nullish(),
  subject: line(998).nullish(),
  ...crmIds,
  contactOwnerEmail: email.nullish(),
}).meta({ id: 'MessageInput' })

export const checkedAddress = z
  .object({ address: z.string(), available: z.boolean().nullable(), checkedAt: date, source: z.string() })
  .meta({ id: 'CheckedAddress' })

const word = z.string().nullable()

export const message = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    message: z.string(),
    messageType: channel,
    subject: word,
    attachmentUrls: z.array(z.string()),
    status: z.enum(statuses),
    hold: z.object({ reason: z.enum(holdReasons), until: dateOrNull, detail: z.string() }).nullable(),
    failure: z.object({ code: z.string(), detail: z.string(), permanent: z.boolean() }).nullable(),
    reason: word,
    checkedAddresses: z.array(checkedAddress),
    fromLineId: word,
    recipientPhone: word,
    recipientEmail: word,
    recipientName: word,
    leadId: word,
    campaignId: word,
    stepIndex: z.int().nullable(),
    batchId: word,
    scheduledDate: dateOrNull,
    timezone: word,
    sendWindowStart: word,
    sendWindowEnd: word,
    allowedDaysOfWeek: z.array(z.int()).nullable(),
    priority: z.enum(['high', 'normal']),
    sendAt: dateOrNull,
    sentAt: dateOrNull,
    deliveredAt: dateOrNull,
    readAt: dateOrNull,
    failedAt: dateOrNull,
    externalMessageId: word,
    fallback: z.object({ route: word, messageId: word, passed: z.array(z.object({ route: z.string(), why: z.string() })) }).nullable(),
    fallbackOf: word,
    duplicateDelivery: z.boolean(),
    sendFallbackSmsOnFailed: z.boolean().nullable(),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    ghlContactId: word,
    ghlLocationId: word,
    hsContactId: word,
    hsPortalId: word,
    contactOwnerEmail: word,
    history: z.array(z.object({ status: z.enum(statuses), at: date, why: z.string() })),
    createdAt: date,
    updatedAt: date,
  })
  .meta({ id: 'Message' })

/** A message with what a caller looks at first beside it: the same whether it was just accepted, read or cancelled. */
export const messageAnswer = z
  .object({ status: z.enum(statuses), message, leadId: word, ghlContactId: word, ghlLocationId: word, hsContactId: word, hsPortalId: word })
  .meta({ id: 'MessageAnswer' })

export const wholeMessage = message.extend({ message }).meta({ id: 'WholeMessage' })

export const messageQuery = input({
  status: z.enum(statuses).optional(),
  lineId: id.optional(),
  leadId: id.optional(),
  campaignId: id.optional(),
  batchId: text(200).optional(),
  since: since.optional(),
  ...page,
})

export const messagePage = z.object({ messages: z.array(message), nextCursor: word })

const exactlyOne = (value: object) => Object.values(value).filter((inner) => inner !== undefined && inner !== null).length === 1

export const cancelForBody = input({ leadId: id.nullish(), recipientPhone: phone.nullish(), recipientEmail: email.nullish() }).refine(
  exactlyOne,
  'give exactly one of leadId, recipientPhone, recipientEmail',
)

export const dncBody = input({
  phone: phone.nullish(),
  email: email.nullish(),
  leadId: id.nullish(),
  channels: unique(channel, { max: 3 }).optional(),
  reason: maybe(500),
}).refine(({ phone, email, leadId }) => exactlyOne({ phone, email, leadId }), 'give exactly one of phone, email, leadId')

export const serviceBody = input({
  event: z.enum(['message.sent', 'message.delivered', 'message.opened', 'message.failed', 'message.fallback', 'message.reply']),
  messageId: id.nullish(),
  externalMessageId: maybe(500),
  timestamp: instant.nullish(),
  reason: maybe(2_000),
  checkedAddresses: z
    .array(z.strictObject({ address: text(254), available: z.boolean().nullable(), checkedAt: instant.nullish(), source: maybe(200) }))
    .max(20)
    .optional(),
  error: maybe(2_000),
  reply: input({ text: text(20_000), from: text(254), to: maybe(254), at: instant.nullish(), id: maybe(500) }).nullish(),
})
  .refine(({ messageId, externalMessageId }) => (messageId ?? externalMessageId) != null, 'give messageId or externalMessageId')
  .refine(({ event, reply }) => event !== 'message.reply' || reply != null, { path: ['reply'], message: 'is required for message.reply' })
