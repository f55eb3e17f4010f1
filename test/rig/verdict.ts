import type { LedgerEntry } from '@trunkline/core/testing/fakes'
import { type Call, eventually } from './hub.ts'
import { type Acked, type Load, textOf, type Wish } from './load.ts'
import type { Received } from './receiver.ts'
import type { EventView, MessageView } from './world.ts'

export interface Evidence {
  load: Load
  wishes: readonly Wish[]
  messages: ReadonlyMap<string, MessageView>
  ledger: readonly LedgerEntry[]
  received: readonly Received[]
  /** Moments (epoch milliseconds) at which a process was killed or stopped. */
  kills: readonly number[]
  /** How long a hand-over may have been under way when it was killed. */
  handoverMs: number
  /** Line and how many it may send. */
  limits: ReadonlyMap<string, number>
  /** Address, and when its STOP was acknowledged. */
  stops: ReadonlyMap<string, number>
}

const endings = ['sent', 'delivered', 'failed', 'fallback', 'cancelled']

/** Whether the hub has nothing left to do for it: it ended, or waits for another day of its line. */
export function isSettled(message: MessageView): boolean {
  return endings.includes(message.status) || (message.status === 'queued' && message.hold?.reason === 'daily_total_limit')
}

/** Every message there is, by id. */
export async function allMessages(call: Call): Promise<Map<string, MessageView>> {
  const found = new Map<string, MessageView>()
  let cursor: string | null = null
  do {
    const page: { body: { messages: MessageView[]; nextCursor: string | null } } = await call(
      'GET',
      `/api/messages?limit=200${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    for (const message of page.body.messages) found.set(message.id, message)
    cursor = page.body.nextCursor
  } while (cursor !== null)
  return found
}

export function settled(call: Call, patienceMs: number): Promise<Map<string, MessageView>> {
  const open = (messages: Map<string, MessageView>) => [...messages.values()].filter((message) => !isSettled(message))
  return eventually(
    () => allMessages(call),
    (messages) => open(messages).length === 0,
    patienceMs,
    250,
  ).catch(async (cause: unknown) => {
    const left = open(await allMessages(call)).slice(0, 5)
    throw new Error(`messages that do not end: ${JSON.stringify(left.map(({ status, hold, history }) => ({ status, hold, history })))}`, { cause })
  })
}

const parsed = (received: readonly Received[]) =>
  received.map(({ headers, body }) => ({ id: String(headers['webhook-id']), event: JSON.parse(body) as EventView }))

/** The ends of messages that no webhook told of (yet): `message.queued` and the end itself. */
export function untold(messages: Iterable<MessageView>, received: readonly Received[]): string[] {
  const told = new Set(parsed(received).map(({ event }) => `${event.messageId} ${event.event}`))
  return [...messages].flatMap(({ id, status }) => ['queued', status].map((one) => `${id} message.${one}`)).filter((one) => !told.has(one))
}

/** The invariants of the kill loop (hardening.md §1), as what breaks them. The vendor's ledger is the judge. */
export function violations(evidence: Evidence): string[] {
  return [...lostOrDoubled(evidence), ...overOrUnderLimit(evidence), ...afterStop(evidence), ...untoldOrUnstable(evidence)]
}

function lostOrDoubled({ load, wishes, messages, ledger, kills, handoverMs }: Evidence): string[] {
  const wrong: string[] = [...load.surprises]
  const answered = new Set([...load.acked.map(({ wish }) => wish.number), ...load.refused.keys()])
  for (const { number } of wishes) if (!answered.has(number)) wrong.push(`#${number} was never answered`)
  const ids = new Set(load.acked.map(({ id }) => id))
  if (ids.size !== load.acked.length) wrong.push('two acknowledgements name one message')
  for (const id of messages.keys()) if (!ids.has(id)) wrong.push(`${id} exists and was never acknowledged`)
  const made = sendsByText(ledger)
  for (const { wish, id } of load.acked) {
    const message = messages.get(id)
    const sends = made.get(textOf(wish.number)) ?? 0
    if (message === undefined) {
      wrong.push(`${id} was acknowledged and is gone`)
      continue
    }
    if (sends > 1) wrong.push(`#${wish.number} was sent ${sends} times: ${story(message)}`)
    const went = message.status === 'sent' || message.status === 'delivered'
    if (went && sends === 0) wrong.push(`#${wish.number} is ${message.status} and never went: ${story(message)}`)
    if (!went && sends > 0) wrong.push(`#${wish.number} went and is ${message.status}: ${story(message)}`)
    if (message.status === 'failed' && !isExcused(message, kills, handoverMs)) wrong.push(`#${wish.number} failed without a kill: ${story(message)}`)
  }
  return wrong
}

/** Only an outcome that a kill between fence and answer left unknown may fail here: this vendor takes everything. */
function isExcused(message: MessageView, kills: readonly number[], handoverMs: number): boolean {
  const at = Date.parse(message.history.find(({ status }) => status === 'sending')?.at ?? '')
  return message.failure?.code === 'outcome_unknown' && kills.some((kill) => at <= kill && at >= kill - handoverMs)
}

function overOrUnderLimit({ load, messages, ledger, limits }: Evidence): string[] {
  const made = sendsByText(ledger)
  return [...limits].flatMap(([lineId, limit]) => {
    const own = load.acked.filter(({ wish }) => wish.lineId === lineId)
    const sends = sum(own, ({ wish }) => made.get(textOf(wish.number)) ?? 0)
    const unknown = own.filter(({ id }) => messages.get(id)?.failure?.code === 'outcome_unknown').length
    if (own.length < limit * 10) return [`only ${own.length} messages wanted ${limit} places of ${lineId}`]
    if (sends > limit) return [`${sends} sends over a limit of ${limit}`]
    return sends + unknown === limit ? [] : [`${sends} sends and ${unknown} unknown outcomes fill a limit of ${limit}`]
  })
}

function afterStop({ ledger, stops }: Evidence): string[] {
  return ledger
    .filter(({ address, at }) => at > (stops.get(address) ?? Number.POSITIVE_INFINITY))
    .map(({ address, at, text }) => `${address} got "${text}" ${at - (stops.get(address) ?? 0)} ms after STOP was acknowledged`)
}

function untoldOrUnstable({ messages, received }: Evidence): string[] {
  const wrong = untold(messages.values(), received).map((one) => `nobody was told: ${one}`)
  const idOf = new Map<string, string>()
  for (const { id, event } of parsed(received)) {
    if (id !== event.id) wrong.push(`webhook-id ${id} carries the event ${event.id}`)
    if (event.messageId === null || event.event === 'message.reply') continue
    const name = `${event.messageId} ${event.seq}`
    if ((idOf.get(name) ?? id) !== id) wrong.push(`event ${event.seq} (${event.event}) of ${event.messageId} came under two ids`)
    idOf.set(name, id)
  }
  return wrong
}

function sendsByText(ledger: readonly LedgerEntry[]): Map<string, number> {
  const made = new Map<string, number>()
  for (const { text } of ledger) made.set(text, (made.get(text) ?? 0) + 1)
  return made
}

const sum = (acked: readonly Acked[], of: (one: Acked) => number) => acked.reduce((total, one) => total + of(one), 0)
const story = ({ history }: MessageView) => history.map(({ status, at, why }) => `${at} ${status} (${why})`).join(', ')
