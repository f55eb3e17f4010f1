import type { Call } from './bluebubbles-client.ts'
import { bridgeMessage, describeStatus, notOnIMessage, statusOf } from './bluebubbles-message.ts'
import type { SendResult } from './transport.ts'

/** `no_chat`: the bridge knows no conversation with this address yet, and nothing was sent. */
export type Verdict = SendResult | { type: 'no_chat' }

/**
 * Refusals that come before anything is sent, in the server's own words. The Private API helper looks the chat up before it sends;
 * the server checks for the helper before it calls it (bluebubbles-server, messageInterface.ts; bluebubbles-helper).
 */
const noChat = /^Chat does not exist!?$/i
const noHelper = /^iMessage Private API (is not enabled|Helper is not connected)!?$/i
const alreadyQueued = /already queued/i

/**
 * What one call that sends means. The rule: what the bridge surely did not do may be tried again or is refused for good; everything
 * else after the first byte is unknown, also a 500, because messages go out whose call fails (bluebubbles-server issue 801).
 */
export function judgeSend(call: Call): Verdict {
  if (call.type === 'not_sent') return { type: 'unavailable', why: call.why }
  if (call.type === 'unknown') return { type: 'unknown', why: call.why }
  const { status, body } = call
  const said = body?.why ? `${status}: ${body.why}` : `${status}`
  const sent = sentMessage(body?.data)

  if (status === 200 || status === 201) {
    if (body === null) return { type: 'unknown', why: 'an answer that is not BlueBubbles’' }
    if (sent === null) return { type: 'accepted', externalId: null, detail: 'accepted, without a guid' }
    return judgeMessage(sent) ?? { type: 'accepted', externalId: sent.guid }
  }
  if (status === 401 || status === 403)
    return { type: 'refused', class: 'sender', code: 'bridge_unauthorized', detail: 'the bridge refuses the password' }
  if (status === 429)
    return { type: 'unavailable', why: 'the bridge asks to wait', ...(call.retryAfterMs === null ? {} : { retryAfterMs: call.retryAfterMs }) }
  if (status === 404) {
    // Without the envelope a tunnel or a proxy answers for a bridge that is away; with it, the call itself is wrong for this server.
    if (body === null) return { type: 'unavailable', why: 'no BlueBubbles server answers at this address (404)' }
    return { type: 'refused', class: 'sender', code: 'bridge_not_found', detail: said }
  }
  if (status === 400 && body !== null) {
    if (alreadyQueued.test(body.why)) return { type: 'unknown', why: 'this attempt is already on its way in the bridge' }
    return { type: 'refused', class: 'content', code: 'bridge_rejected', detail: said }
  }
  if (status === 413) return { type: 'refused', class: 'content', code: 'too_large', detail: said }
  if (status === 500 && body !== null) {
    if (sent?.error === notOnIMessage) return judgeMessage(sent) ?? { type: 'unknown', why: said }
    if (body.data === null && noChat.test(body.why)) return { type: 'no_chat' }
    if (body.data === null && noHelper.test(body.why)) return { type: 'unavailable', why: said }
  }
  return { type: 'unknown', why: said }
}

/** Of a message in an answer: 22 is final, any other error leaves open whether it went. */
function judgeMessage(sent: NonNullable<ReturnType<typeof sentMessage>>): SendResult | null {
  const status = statusOf(sent)
  if (status === 'not_on_channel') return { type: 'refused', class: 'not_on_channel', code: 'imessage_22', detail: describeStatus(sent) }
  return status === 'failed' ? { type: 'unknown', why: describeStatus(sent) } : null
}

/** `data` is the message, or (chat/new) the chat with the message in it. */
function sentMessage(data: unknown) {
  const inChat = typeof data === 'object' && data !== null && 'messages' in data && Array.isArray(data.messages) ? data.messages.at(-1) : data
  const parsed = bridgeMessage.safeParse(inChat)
  if (!parsed.success) return null
  // A chat has a guid too ("iMessage;-;+1…"); a chat without its message tells nothing about what was sent.
  return parsed.data.guid.includes(';') ? null : parsed.data
}
