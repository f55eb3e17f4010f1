import { randomUUID } from 'node:crypto'
import { z } from 'zod'

/** What the fake does about one address (or all). The first rule that fits is used; `times` uses it up. */
export const ruleShape = z.strictObject({
  address: z.string().optional(),
  times: z.number().int().positive().optional(),
  /** Wait this long before answering (after sending, where it sends). */
  delayMs: z.number().int().nonnegative().optional(),
  /** What becomes of a send. `*_after_send` really sends first. */
  send: z
    .enum([
      'ok',
      'error500_after_send',
      'reset_after_send',
      'stall_after_send',
      'half_after_send',
      'timeout504_after_send',
      'error500_before_send',
      'reset_before_send',
      'stall_before_send',
      'not_on_imessage',
      'not_on_imessage_200',
      'already_queued',
      'rate_limited',
      'no_helper',
    ])
    .optional(),
  /** What an availability question answers. */
  available: z.union([z.boolean(), z.literal('error')]).optional(),
  /** Which webhooks follow a send, in this order; the same twice is posted twice. */
  webhooks: z.array(z.enum(['new-message', 'delivered', 'read', 'message-send-error'])).optional(),
  /** `before`: posted and answered before the call that sent it gets its answer. */
  webhooksWhen: z.enum(['before', 'after']).optional(),
  webhooksDelayMs: z.number().int().nonnegative().optional(),
  /** The recipient writes this back. */
  reply: z.string().optional(),
})

export type Rule = z.output<typeof ruleShape>

export const scriptShape = z.strictObject({
  /** Replaces all rules. */
  rules: z.array(ruleShape).optional(),
  hookUrls: z.array(z.url()).optional(),
  privateApi: z.boolean().optional(),
  helperConnected: z.boolean().optional(),
  /** True: there is no chat with anybody until one is made, and sending into none is refused as the helper refuses it. */
  chatsMustExist: z.boolean().optional(),
})

export type Script = z.input<typeof scriptShape>

/** One send the bridge really made: the truth about double and lost messages. */
export interface LedgerEntry {
  address: string
  text: string
  tempGuid: string | null
  guid: string
  kind: 'text' | 'attachment'
  /** Of an attachment: its name and how many bytes arrived. */
  name: string | null
  bytes: number
  /** Epoch milliseconds. */
  at: number
}

export interface FakeMessage {
  guid: string
  tempGuid?: string
  text: string | null
  address: string
  isFromMe: boolean
  error: number
  dateCreated: number
  dateDelivered: number | null
  dateRead: number | null
  attachments: { transferName: string; mimeType: string }[]
}

export interface FakeState {
  readonly ledger: LedgerEntry[]
  readonly violations: string[]
  readonly messages: Map<string, FakeMessage>
  readonly chats: Set<string>
  readonly inFlight: Set<string>
  /** Called once, with the next send. */
  readonly onSend: ((entry: LedgerEntry) => void)[]
  hookUrls: string[]
  privateApi: boolean
  helperConnected: boolean
  chatsMustExist: boolean
  apply(script: Script): void
  /** The rule for this address, used up by one if it counts. */
  rule(address: string): Rule
  /** Writes the send into the ledger and the message into the Mac's database. */
  deliver(send: {
    address: string
    text: string
    tempGuid: string | null
    kind: 'text' | 'attachment'
    name?: string
    mimeType?: string
    bytes?: number
    error?: number
  }): FakeMessage
  receive(from: string, text: string): FakeMessage
}

export function createFakeState(): FakeState {
  let rules: (Rule & { left: number })[] = []
  const state: FakeState = {
    ledger: [],
    violations: [],
    messages: new Map(),
    chats: new Set(),
    inFlight: new Set(),
    onSend: [],
    hookUrls: [],
    privateApi: true,
    helperConnected: true,
    chatsMustExist: false,
    apply(script) {
      if (script.rules) rules = script.rules.map((rule) => ({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY }))
      state.hookUrls = script.hookUrls ?? state.hookUrls
      state.privateApi = script.privateApi ?? state.privateApi
      state.helperConnected = script.helperConnected ?? state.helperConnected
      state.chatsMustExist = script.chatsMustExist ?? state.chatsMustExist
    },
    rule(address) {
      const rule = rules.find((one) => one.left > 0 && (one.address === undefined || one.address === address))
      if (rule) rule.left -= 1
      return rule ?? {}
    },
    deliver({ address, text, tempGuid, kind, name, mimeType, bytes, error = 0 }) {
      const at = Date.now()
      const guid = randomUUID().toUpperCase()
      const attachments = name === undefined ? [] : [{ transferName: name, mimeType: mimeType ?? 'application/octet-stream' }]
      const message: FakeMessage = {
        guid,
        ...(tempGuid === null ? {} : { tempGuid }),
        text: kind === 'text' ? text : '\uFFFC',
        address,
        isFromMe: true,
        error,
        dateCreated: at,
        dateDelivered: null,
        dateRead: null,
        attachments,
      }
      state.messages.set(guid, message)
      state.chats.add(address)
      // A message that iMessage refused did not reach anybody: it is a row on the Mac, not a send.
      if (error === 0) {
        const entry = { address, text, tempGuid, guid, kind, name: name ?? null, bytes: bytes ?? Buffer.byteLength(text), at }
        state.ledger.push(entry)
        for (const sent of state.onSend.splice(0)) sent(entry)
      }
      return message
    },
    receive(from, text) {
      const message: FakeMessage = {
        guid: randomUUID().toUpperCase(),
        text,
        address: from,
        isFromMe: false,
        error: 0,
        dateCreated: Date.now(),
        dateDelivered: null,
        dateRead: null,
        attachments: [],
      }
      state.messages.set(message.guid, message)
      state.chats.add(from)
      return message
    },
  }
  return state
}

/** A message as the API and the webhooks show it; `updated-message` carries no chats. */
export function serialise(message: FakeMessage, { withChats, withTemp }: { withChats: boolean; withTemp: boolean }): Record<string, unknown> {
  const { address, tempGuid, ...fields } = message
  const chats = [{ guid: `iMessage;-;${address}`, style: 45, chatIdentifier: address, displayName: '', participants: [] }]
  return {
    ...fields,
    ...(withTemp && tempGuid !== undefined ? { tempGuid } : {}),
    ...(withChats ? { chats } : {}),
    handle: { address, service: 'iMessage', originalROWID: 1 },
    isDelivered: message.dateDelivered !== null,
    itemType: 0,
    groupTitle: null,
    groupActionType: 0,
    associatedMessageGuid: null,
    associatedMessageType: null,
    subject: null,
  }
}
