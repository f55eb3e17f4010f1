import { z } from 'zod'

/** The least of a date that can be trusted: epoch milliseconds, or null (vendors.md §4.1). */
const epochMs = z.number().int().min(0).max(8.64e15).nullish().catch(null)
const words = z.string().nullish().catch(null)

/** A message as BlueBubbles serialises it. Unknown fields are let through; wrong ones count as absent, except the guid. */
export const bridgeMessage = z.looseObject({
  guid: z.string().min(1).max(200),
  tempGuid: words,
  text: words,
  error: z.number().int().nullish().catch(null),
  isFromMe: z.boolean().nullish().catch(null),
  isDelivered: z.boolean().nullish().catch(null),
  dateCreated: epochMs,
  dateDelivered: epochMs,
  dateRead: epochMs,
  itemType: z.number().nullish().catch(null),
  associatedMessageGuid: words,
  handle: z.looseObject({ address: words }).nullish().catch(null),
  chats: z
    .array(z.looseObject({ guid: words, style: z.number().nullish().catch(null) }))
    .nullish()
    .catch(null),
  attachments: z
    .array(z.looseObject({ transferName: words, mimeType: words }))
    .nullish()
    .catch(null),
})

export type BridgeMessage = z.output<typeof bridgeMessage>

export type BridgeStatus = 'sent' | 'delivered' | 'read' | 'failed' | 'not_on_channel'

/** iMessage's own code for "this address is not on iMessage". */
export const notOnIMessage = 22

/** vendors.md §4.1: `error > 0` failed, `dateRead` read, `dateDelivered` or `isDelivered` delivered, else sent. */
export function statusOf(message: BridgeMessage): BridgeStatus {
  if (message.error === notOnIMessage) return 'not_on_channel'
  if (message.error != null && message.error !== 0) return 'failed'
  if (message.dateRead) return 'read'
  return message.dateDelivered || message.isDelivered ? 'delivered' : 'sent'
}

/** When that status came to be, as far as the bridge says. */
export function statusDateOf(message: BridgeMessage): Date | null {
  const status = statusOf(message)
  const ms = status === 'read' ? message.dateRead : status === 'delivered' ? message.dateDelivered : message.dateCreated
  return ms ? new Date(ms) : null
}

/** Says in words what a status rests on. */
export function describeStatus(message: BridgeMessage): string {
  const status = statusOf(message)
  if (status === 'not_on_channel') return 'iMessage error 22: the address is not on iMessage'
  return status === 'failed' ? `iMessage error ${message.error}` : `iMessage says ${status}`
}

/** Text as both sides would write it: no placeholder for an attachment (U+FFFC), no NUL, no lone surrogate, one sort of line end. */
export function plain(text: string | null | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what is taken out, PostgreSQL cannot keep it.
  const stripped = (text ?? '').replace(/[\u0000\uFFFC]/g, '').replace(/\r\n?/g, '\n')
  return stripped.toWellFormed().trim().slice(0, 100_000)
}
