import { eventTypes } from '@trunkline/core'
import { z } from 'zod'
import { date, dateOrNull, httpUrl, id, input, maybe, page, since, text, unique } from './text.ts'

const word = z.string().nullable()
const eventName = z.enum([...eventTypes, '*'])
const events = unique(eventName, { max: eventTypes.length + 1 })

export const webhookBody = input({ url: httpUrl, events, name: maybe(200), description: maybe(1_000) }).meta({ id: 'WebhookInput' })
export const webhookPatch = input({
  url: httpUrl.optional(),
  events: events.optional(),
  name: maybe(200),
  description: maybe(1_000),
  isActive: z.boolean().optional(),
})

const shown = {
  id: z.string(),
  url: z.string(),
  events: z.array(eventName),
  name: word,
  description: word,
  isActive: z.boolean(),
  failureCount: z.int(),
  lastSuccessAt: dateOrNull,
  lastFailureAt: dateOrNull,
  disabledAt: dateOrNull,
  disabledReason: word,
  createdAt: date,
  updatedAt: date,
}

export const webhook = z.object(shown).meta({ id: 'Webhook' })
export const webhookWithSecret = z.object({ ...shown, secret: z.string() }).meta({ id: 'WebhookWithSecret' })
export const testAnswer = z.object({ success: z.boolean(), statusCode: z.int().nullable(), latencyMs: z.number(), response: z.string() })

const deliveryStatus = z.enum(['pending', 'delivered', 'failed', 'skipped'])

export const delivery = z
  .object({
    id: z.string(),
    event: z.enum(eventTypes),
    eventId: z.string(),
    status: deliveryStatus,
    attempts: z.array(z.object({ at: date, statusCode: z.int().nullable(), latencyMs: z.number(), error: word })),
    nextAttemptAt: dateOrNull,
    createdAt: date,
  })
  .meta({ id: 'Delivery' })

export const deliveryQuery = input({ status: deliveryStatus.optional(), ...page })
export const deliveryPage = z.object({ deliveries: z.array(delivery), nextCursor: word })
export const deliveryParams = z.strictObject({ id, deliveryId: id })
export const replayBody = input({ since, until: since.optional(), events: unique(z.enum(eventTypes), { max: eventTypes.length }).optional() }).refine(
  ({ since, until }) => until === undefined || until > since,
  { path: ['until'], message: 'must be after since' },
)

/** The body of every webhook, as the receiver reads it. */
export const eventBody = z
  .object({
    event: z.enum(eventTypes),
    id: z.string(),
    seq: z.int(),
    timestamp: date,
    workspaceId: z.string(),
    messageId: word,
    message: z.record(z.string(), z.unknown()).nullable(),
    leadId: word,
    lead: z.record(z.string(), z.unknown()).nullable(),
    campaignId: word,
    ghlContactId: word,
    ghlLocationId: word,
    hsContactId: word,
    hsPortalId: word,
    contactOwnerEmail: word,
    metadata: z.record(z.string(), z.unknown()).nullable(),
    data: z.record(z.string(), z.unknown()),
    reason: word.optional(),
    checkedAddresses: z.array(z.record(z.string(), z.unknown())).optional(),
  })
  .meta({ id: 'Event' })

export const replySchema = z
  .object({
    id: text(200),
    text: z.string(),
    from: z.string(),
    to: word,
    channel: z.enum(['imessage', 'sms', 'email']),
    lineId: word,
    leadId: word,
    campaignId: word,
    messageId: word,
    keyword: z.enum(['stop', 'start']).nullable(),
    attachments: z.array(z.object({ name: word, mimeType: word })),
    at: date,
    createdAt: date,
  })
  .meta({ id: 'Reply' })

export const replyQuery = input({
  leadId: id.optional(),
  lineId: id.optional(),
  campaignId: id.optional(),
  messageId: id.optional(),
  since: since.optional(),
  ...page,
})
export const replyPage = z.object({ replies: z.array(replySchema), nextCursor: word })
