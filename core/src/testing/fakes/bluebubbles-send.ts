import { setTimeout as wait } from 'node:timers/promises'
import { type FakeMessage, type FakeState, type Rule, serialise } from './bluebubbles-state.ts'

/** What a route answers. `reset`: the socket dies; `stall`: nothing, ever; `half`: headers and a part of the body, then the socket dies. */
export type Reply =
  | { status: number; data?: unknown; message?: string; error?: { type: string; message: string } }
  | 'reset'
  | 'stall'
  | { half: unknown }

export interface Send {
  address: string
  text: string
  tempGuid: string | null
  method: string
  kind: 'text' | 'attachment'
  name?: string
  mimeType?: string
  bytes?: number
  /** chat/new answers the chat with the message in it. */
  opensChat: boolean
}

export function iMessageError(message: string, data?: unknown): Reply {
  return { status: 500, message: 'Message Send Error', error: { type: 'iMessage Error', message }, ...(data === undefined ? {} : { data }) }
}

const helperAway = 'iMessage Private API Helper is not connected!'

/** One send, as the server makes it and as the script spoils it. */
export async function makeSend(state: FakeState, send: Send, post: (type: string, data: unknown) => Promise<void>): Promise<Reply> {
  const rule = state.rule(send.address)
  const outcome = rule.send ?? 'ok'
  if (outcome === 'rate_limited') return { status: 429, message: 'slow down', error: { type: 'Server Error', message: 'slow down' } }
  const queued = `Message is already queued to be sent! (Temp GUID: ${send.tempGuid})`
  if (outcome === 'already_queued' || (send.tempGuid !== null && state.inFlight.has(send.tempGuid))) {
    return { status: 400, message: "You've made a bad request!", error: { type: 'Validation Error', message: queued } }
  }
  if (outcome === 'no_helper' || (send.method === 'private-api' && !(state.privateApi && state.helperConnected))) return iMessageError(helperAway)
  if (state.chatsMustExist && !send.opensChat && !state.chats.has(send.address)) return iMessageError('Chat does not exist!')

  if (send.tempGuid !== null) state.inFlight.add(send.tempGuid)
  try {
    if (outcome.endsWith('_before_send')) {
      if (rule.delayMs) await wait(rule.delayMs)
      if (outcome === 'reset_before_send') return 'reset'
      return outcome === 'stall_before_send' ? 'stall' : iMessageError('Failed to send message!', null)
    }
    const offIMessage = outcome === 'not_on_imessage' || outcome === 'not_on_imessage_200'
    const message = state.deliver({ ...send, error: offIMessage ? 22 : 0 })
    const announced = announce({ state, message, rule, offIMessage, post })
    if (rule.webhooksWhen === 'before') await announced()
    if (rule.delayMs) await wait(rule.delayMs)
    if (rule.webhooksWhen !== 'before') setTimeout(() => void announced(), 0)
    return answer({ send, message, outcome })
  } finally {
    if (send.tempGuid !== null) state.inFlight.delete(send.tempGuid)
  }
}

function answer({ send, message, outcome }: { send: Send; message: FakeMessage; outcome: NonNullable<Rule['send']> }): Reply {
  const shown = serialise(message, { withChats: true, withTemp: true })
  const data = send.opensChat
    ? { guid: `iMessage;-;${send.address}`, style: 45, participants: [{ address: send.address }], messages: [shown] }
    : shown
  if (outcome === 'reset_after_send') return 'reset'
  if (outcome === 'stall_after_send') return 'stall'
  if (outcome === 'half_after_send') return { half: { status: 200, message: 'Message sent!', data } }
  if (outcome === 'timeout504_after_send')
    return { status: 504, message: 'Gateway Timeout', error: { type: 'Gateway Timeout', message: 'Gateway Timeout' } }
  if (outcome === 'error500_after_send') return iMessageError('Failed to send message! See attached message error code.', null)
  if (outcome === 'not_on_imessage') return iMessageError('Message failed to send!', shown)
  return { status: 200, message: 'Message sent!', data }
}

/** The webhooks of a send, in the script's order and number. */
function announce(what: {
  state: FakeState
  message: FakeMessage
  rule: Rule
  offIMessage: boolean
  post: (type: string, data: unknown) => Promise<void>
}) {
  const { state, message, rule, offIMessage, post } = what
  return async () => {
    if (rule.webhooksDelayMs) await wait(rule.webhooksDelayMs)
    for (const kind of rule.webhooks ?? (offIMessage ? (['message-send-error'] as const) : (['new-message', 'delivered'] as const))) {
      const now = Date.now()
      if (kind === 'delivered') message.dateDelivered ??= now
      if (kind === 'read') message.dateRead ??= now
      const isUpdate = kind === 'delivered' || kind === 'read'
      await post(isUpdate ? 'updated-message' : kind, serialise(message, { withChats: !isUpdate, withTemp: !isUpdate }))
    }
    if (rule.reply !== undefined)
      await post('new-message', serialise(state.receive(message.address, rule.reply), { withChats: true, withTemp: false }))
  }
}
