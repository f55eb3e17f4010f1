import { parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { z } from 'zod'
import { type BridgeMessage, bridgeMessage, describeStatus, plain, statusDateOf, statusOf } from './bluebubbles-message.ts'
import type { Inbound } from './transport.ts'

const call = z.looseObject({ type: z.string(), data: z.unknown().optional() })

/** iMessage's style for a group; `;+;` in a chat's guid says the same. */
const groupStyle = 43
const timedOut = 4

/**
 * What a webhook of BlueBubbles says (vendors.md §4.1). They are unsigned, unordered, repeated and never retried: everything here is a hint
 * that the engine joins by guid or attempt. `now` stands in for a date that is missing or in the future.
 */
export function readWebhook(body: unknown, { now, countryCode }: { now: Date; countryCode: string }): Inbound[] {
  const parsed = call.safeParse(body)
  if (!parsed.success) return ignored('not a BlueBubbles webhook')
  const { type, data } = parsed.data
  if (type !== 'new-message' && type !== 'updated-message' && type !== 'message-send-error') return ignored(`event ${plain(type).slice(0, 60)}`)
  const message = bridgeMessage.safeParse(data)
  if (!message.success) return type === 'message-send-error' ? unsaved(data, now) : ignored(`${type} without a message`)
  return readMessage(type, message.data, { now, countryCode })
}

function readMessage(
  type: 'new-message' | 'updated-message' | 'message-send-error',
  message: BridgeMessage,
  { now, countryCode }: { now: Date; countryCode: string },
): Inbound[] {
  if (message.associatedMessageGuid) return ignored('a reaction')
  if (message.itemType) return ignored('a change of the group')
  if (message.chats?.some((chat) => chat.style === groupStyle || chat.guid?.includes(';+;'))) return ignored('a group conversation')

  if (type === 'message-send-error' || message.isFromMe) {
    const status = statusOf(message)
    // The bridge also raises this when it merely stopped waiting, and messages have gone out after that (issue 801).
    if (type === 'message-send-error' && (message.error === timedOut || (status !== 'failed' && status !== 'not_on_channel'))) {
      return ignored('the bridge gave up waiting: no verdict')
    }
    return [
      {
        type: 'receipt',
        externalId: plain(message.guid),
        attemptId: attemptOf(message.tempGuid),
        status,
        at: notLater(statusDateOf(message), now),
        detail: describeStatus(message),
      },
    ]
  }
  if (type === 'updated-message') return ignored('a change of a message that is not ours')
  return readReply(message, { now, countryCode })
}

function readReply(message: BridgeMessage, { now, countryCode }: { now: Date; countryCode: string }): Inbound[] {
  const from = senderOf(plain(message.handle?.address), countryCode)
  if (from === null) return ignored('no sender that can be answered')
  const text = plain(message.text)
  const attachments = (message.attachments ?? []).slice(0, 50).map((file) => ({
    name: file.transferName ? plain(file.transferName).slice(0, 255) : null,
    mimeType: file.mimeType ? plain(file.mimeType).slice(0, 100) : null,
  }))
  if (text === '' && attachments.length === 0) return ignored('an empty message')
  const at = notLater(message.dateCreated ? new Date(message.dateCreated) : null, now)
  return [{ type: 'reply', externalId: plain(message.guid), from, to: null, text, at, attachments }]
}

/** As leads keep their addresses: E.164, or a lower-case email. A short code or a name is nobody who can be answered. */
function senderOf(address: string, countryCode: string): string | null {
  if (address.includes('@')) return /^[^\s@]{1,64}@[^\s@]{3,190}$/.test(address) ? address.normalize('NFC').toLowerCase() : null
  const phone = parsePhoneNumberFromString(address.slice(0, 40), { defaultCallingCode: countryCode.replace('+', ''), extract: false })
  return phone?.isPossible() && !phone.ext ? phone.number : null
}

/** A send that failed before a row was written has no guid; the attempt is all that names it. */
function unsaved(data: unknown, now: Date): Inbound[] {
  const parsed = z.looseObject({ tempGuid: z.string(), error: z.number().int() }).safeParse(data)
  if (!parsed.success || parsed.data.error <= 0 || parsed.data.error === timedOut) return ignored('message-send-error without a verdict')
  const attemptId = attemptOf(parsed.data.tempGuid)
  if (attemptId === null) return ignored('message-send-error of somebody else’s send')
  const message = bridgeMessage.parse({ guid: parsed.data.tempGuid, error: parsed.data.error })
  return [{ type: 'receipt', externalId: null, attemptId, status: statusOf(message), at: now, detail: describeStatus(message) }]
}

/** Only what we gave out: other programs on the same bridge use temporary ids of their own. */
function attemptOf(tempGuid: string | null | undefined): string | null {
  return tempGuid && /^att_[0-9A-Za-z]{1,40}$/.test(tempGuid) ? tempGuid : null
}

function notLater(at: Date | null, now: Date): Date {
  return at === null || at > now ? now : at
}

function ignored(why: string): Inbound[] {
  return [{ type: 'ignored', why }]
}
