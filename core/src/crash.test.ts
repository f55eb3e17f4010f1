import { afterEach, describe, expect, it } from 'vitest'
import type { Message } from './message/message.ts'
import type { MessageInput } from './operations.ts'
import { type CrashRig, createCrashRig, type Process } from './testing/crash-rig.ts'
import type { Death } from './testing/mortal.ts'

let rig: CrashRig
afterEach(() => rig.close())

const ended = ['sent', 'delivered', 'failed', 'fallback', 'cancelled']
const id = 'msg_00000000000000000000000001'

/** What a client does, over and over until it is answered, and what the vendor tells afterwards, as it would. */
interface Story {
  name: string
  rig: Parameters<typeof createCrashRig>[0]
  lines: Parameters<CrashRig['furnish']>[0]
  input: MessageInput
  /** What else happens once the message was accepted. Each may be asked again of the next process. */
  afterwards?(process: Process, message: Message): Promise<void>
  ends: (sends: number) => string[]
  /** Places of the day that are used up in the end, over all lines. */
  places: (message: Message) => number
}

const went = (message: Message) =>
  message.status === 'sent' || message.status === 'delivered' || message.failure?.code === 'outcome_unknown' ? 1 : 0
const workspaceId = 'ws_00000000000000000000000000'
const caller = { workspaceId, actor: 'key:test', correlationId: null }
const phone = '+15005550001'

const stories: Story[] = [
  {
    name: 'a message that goes at once and is delivered',
    rig: {},
    lines: [{}],
    input: { message: 'Hello', recipientPhone: phone },
    async afterwards(process, message) {
      await process.until(async () => (await process.stores.messages.get(workspaceId, message.id))?.status !== 'queued', 5_000)
      const now = await process.stores.messages.get(workspaceId, message.id)
      const line = (await process.engine.lines.list(workspaceId, {}))[0]
      if (now?.status === 'sent' && line) await process.engine.receive(line.id, line.hookSecret, [rig.receipt(now, 'delivered')])
    },
    ends: (sends) => (sends === 1 ? ['sent', 'delivered'] : ['failed']),
    places: went,
  },
  {
    name: 'a message whose channel is away twice',
    rig: unavailableTwice(),
    lines: [{}],
    input: { message: 'Hello', recipientPhone: phone },
    ends: (sends) => (sends === 1 ? ['sent'] : ['failed']),
    places: went,
  },
  {
    name: 'a message whose outcome the vendor does not tell',
    rig: { send: () => ({ type: 'unknown', why: 'reset' }) },
    lines: [{}],
    input: { message: 'Hello', recipientPhone: phone },
    ends: (sends) => (sends === 1 ? ['sent'] : ['failed']),
    places: went,
  },
  {
    name: 'a message that two lines could take, with gaps',
    rig: {},
    lines: [
      { deviceGapSeconds: 2, contactGapSeconds: 3 },
      { deviceGapSeconds: 2, contactGapSeconds: 3 },
    ],
    input: { message: 'Hello', recipientPhone: phone },
    ends: (sends) => (sends === 1 ? ['sent'] : ['failed']),
    places: went,
  },
  {
    name: 'a message to somebody who is not on the channel',
    rig: {},
    lines: [{}],
    input: { message: 'Hello', recipientPhone: '+15005550002' },
    ends: () => ['fallback'],
    places: () => 0,
  },
  {
    name: 'a message that the vendor refuses',
    rig: { send: () => ({ type: 'refused', class: 'recipient', code: 'no', detail: 'no such person' }) },
    lines: [{}],
    input: { message: 'Hello', recipientPhone: phone },
    ends: () => ['failed'],
    places: went,
  },
  {
    name: 'a message that is cancelled in its slot',
    rig: {},
    lines: [{ deviceGapSeconds: 2 }],
    input: { message: 'Hello', recipientPhone: phone },
    async afterwards(process, message) {
      await process.engine.messages.cancel(caller, message.id).catch(() => undefined)
    },
    ends: (sends) => (sends === 1 ? ['sent'] : ['cancelled', 'failed']),
    places: went,
  },
  {
    name: 'a message whose recipient says STOP',
    rig: {},
    lines: [{}],
    input: { message: 'Hello', recipientPhone: phone, scheduledDate: '2026-11-22T12:00:20Z' },
    async afterwards(process) {
      const line = (await process.engine.lines.list(workspaceId, {}))[0]
      if (!line) throw new Error('the rig has no line')
      const at = new Date('2026-11-22T12:00:10Z')
      await process.engine.receive(line.id, line.hookSecret, [
        { type: 'reply', externalId: 'stop-1', from: phone, to: null, text: 'STOP', at, attachments: [] },
      ])
    },
    ends: () => ['cancelled'],
    places: () => 0,
  },
]

function unavailableTwice(): Story['rig'] {
  return { send: ({ attemptNumber }) => (attemptNumber <= 2 ? { type: 'unavailable', why: 'refused' } : { type: 'accepted' }) }
}

/** One process from the client's request on. It may die on the way; then whoever was not answered asks the next one. */
async function live(process: Process, { input, afterwards }: Story): Promise<void> {
  const asked = (async () => {
    const message = await process.engine.messages.accept(caller, input, { id })
    await process.engine.work()
    await afterwards?.(process, message)
  })()
  let answered = false
  await Promise.race([asked.then(() => (answered = true)), process.life.died, process.until(async () => answered, 60_000)])
  await process.until(async () => {
    const message = await process.stores.messages.get(workspaceId, id)
    return message !== null && ended.includes(message.status) && told(message).length === 0
  })
}

/** Which of the message's ends no webhook told. */
function told(message: Message): string[] {
  const events = new Set(rig.told.filter((event) => event.messageId === message.id).map(({ event }) => event))
  return ['message.queued', `message.${message.status}`].filter((event) => !events.has(event))
}

/** Time enough for what is done now and then to be done once more. */
const aWhileMs = 12_000

async function verdict(process: Process, story: Story): Promise<Record<string, unknown>> {
  const message = await process.stores.messages.get(workspaceId, id)
  if (message === null) return { message: 'gone' }
  const lines = await process.stores.lines.list(workspaceId)
  const ledgers = await Promise.all(lines.map((line) => process.stores.lines.ledger(workspaceId, line.id)))
  const places = ledgers.flatMap(({ days }) => Object.values(days)).reduce((sum, day) => sum + day.total, 0)
  const ids = new Map<string, Set<string>>()
  for (const event of rig.told.filter(({ messageId, event }) => messageId === id && event !== 'message.reply')) {
    ids.set(String(event.seq), (ids.get(String(event.seq)) ?? new Set()).add(event.id))
  }
  const sends = rig.ledger.length
  return {
    sends: sends > 1 ? sends : 'at most one',
    status: story.ends(sends).includes(message.status) ? 'as it should' : `${message.status} after ${sends} sends`,
    untold: told(message),
    unstable: [...ids].filter(([, names]) => names.size > 1).map(([seq]) => seq),
    places: places === story.places(message) ? 'right' : `${places} places for a message that is ${message.status}`,
    reservation: message.reservation?.state ?? 'held',
  }
}

const good = { sends: 'at most one', status: 'as it should', untold: [], unstable: [], places: 'right', reservation: 'held' }

async function run(story: Story, death: Death | null): Promise<{ steps: readonly string[]; verdict: Record<string, unknown> }> {
  rig.again()
  const mortal = await rig.start({ death })
  await live(mortal, story)
  await mortal.end()
  const next = await rig.start()
  await live(next, story)
  await next.until(async () => false, aWhileMs)
  const found = await verdict(next, story)
  await next.end()
  return { steps: mortal.life.steps, verdict: found }
}

describe.each(stories)('$name', (story) => {
  it('survives a death after each of its steps, and before the first', { timeout: 60_000 }, async () => {
    rig = await createCrashRig(story.rig)
    await rig.furnish(story.lines)
    const whole = await run(story, null)
    expect(whole.verdict).toEqual(good)
    const broken: Record<string, unknown> = {}
    for (let step = 0; step <= whole.steps.length; step++) {
      const result = await run(story, step === 0 ? { step: 1, when: 'before' } : { step, when: 'after' })
      if (JSON.stringify(result.verdict) !== JSON.stringify(good)) broken[`${step} ${result.steps.slice(-3).join(' ')}`] = result.verdict
    }
    expect(broken).toEqual({})
  })
})
