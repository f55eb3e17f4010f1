import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Message } from './message/message.ts'
import type { Queue } from './queue/queue.ts'
import { type CrashRig, createCrashRig, type Process } from './testing/crash-rig.ts'
import type { Inbound } from './transport/transport.ts'

let rig: CrashRig
afterEach(() => rig.close())

const phoneOf = (n: number) => `+1415555${String(1_000 + n)}`
/** Twenty-five steps of a second: past every look that follows a receipt at once, well before the first that asks for one. */
const aWhileMs = 25_000

async function all(process: Process, ids: readonly string[]): Promise<Message[]> {
  const workspaceId = (await process.stores.workspaces.list({ limit: 1 })).workspaces[0]?.id ?? ''
  const found = await Promise.all(ids.map((id) => process.stores.messages.get(workspaceId, id)))
  return found.filter((message) => message !== null)
}

describe('every hint given twice, in odd orders', () => {
  /** Each hint comes at once, again at the end of the row, and the row backwards. */
  const twice = (queue: Queue): Queue => ({ ...queue, add: (hints) => queue.add([...hints, ...hints.toReversed()]) })

  it('sends nothing twice and tells nothing twice under two names', async () => {
    rig = await createCrashRig()
    const caller = await rig.furnish([{}, {}])
    const process = await rig.start({ spoil: twice })
    await process.engine.work()
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, n) => process.engine.messages.accept(caller, { message: `#${n}`, recipientPhone: phoneOf(n % 7) })),
    )
    const ids = made.map(({ id }) => id)
    expect(await process.until(async () => (await all(process, ids)).every(({ status }) => status === 'sent'))).toBe(true)
    await process.until(async () => false, aWhileMs)
    const before = await all(process, ids)
    const tellings = rig.told.length
    // The whole run's hints once more, backwards, long after they were dealt with.
    const { queue } = process
    await queue.add(process.hints.toReversed().map(({ kind, workspaceId, id }) => ({ kind, workspaceId, id })))
    await process.until(async () => false, aWhileMs)

    expect(rig.ledger.map(({ text }) => text).sort()).toEqual(made.map(({ message }) => message).sort())
    expect(await all(process, ids)).toEqual(before)
    expect(rig.told.length).toBe(tellings)
    expect(new Set(rig.told.map(({ id }) => id)).size).toBe(tellings)
    await process.end()
  })
})

describe('every receipt given twice, in every order', () => {
  it('ends the same, and the repetition changes nothing', { timeout: 60_000 }, async () => {
    rig = await createCrashRig()
    const caller = await rig.furnish()
    const process = await rig.start()
    await process.engine.work()
    const line = (await process.stores.lines.list(caller.workspaceId))[0]
    if (!line) throw new Error('the rig has no line')
    let sent = 0
    const statuses = ['sent', 'delivered', 'read'] as const
    const orders = fc.shuffledSubarray([...statuses, ...statuses], { minLength: 6, maxLength: 6 })

    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        const { id } = await process.engine.messages.accept(caller, { message: `#${++sent}`, recipientPhone: phoneOf(sent) })
        await process.until(async () => (await all(process, [id]))[0]?.status === 'sent')
        const [message] = await all(process, [id])
        if (!message) throw new Error('the message is gone')
        const tell = (receipts: readonly Inbound[]) => process.engine.receive(line.id, line.hookSecret, receipts)
        await tell(order.map((status) => rig.receipt(message, status)))
        await process.until(async () => false, 1_000)
        const [told] = await all(process, [id])
        expect(told).toMatchObject({ status: 'delivered', readAt: expect.any(Date), deliveredAt: expect.any(Date), dueAt: null })
        await tell(order.toReversed().map((status) => rig.receipt(message, status)))
        expect((await all(process, [id]))[0]?.version).toBe(told?.version)
      }),
      { numRuns: 25 },
    )
    const opened = rig.told.filter(({ event }) => event === 'message.opened')
    expect(new Set(opened.map(({ messageId }) => messageId)).size).toBe(sent)
    expect(opened.length).toBe(sent)
    await process.end()
  })
})

describe('a channel that is away under many hand-overs at once', () => {
  it('gets each message once when it is back: surely not sent is never an unknown outcome', async () => {
    let away = true
    rig = await createCrashRig({ send: () => (away ? { type: 'unavailable', why: 'connection refused' } : { type: 'accepted' }) })
    const caller = await rig.furnish()
    const process = await rig.start()
    await process.engine.work()
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, n) => process.engine.messages.accept(caller, { message: `#${n}`, recipientPhone: phoneOf(n) })),
    )
    const ids = made.map(({ id }) => id)
    const tried = await process.until(async () => (await all(process, ids)).filter(({ unavailableCount }) => unavailableCount > 0).length > 10)
    expect(tried).toBe(true)
    await process.until(async () => false, 12_000)
    away = false
    await process.until(async () => (await all(process, ids)).every(({ status }) => status === 'sent'))
    expect((await all(process, ids)).map(({ status, failure }) => failure?.code ?? status)).toEqual(ids.map(() => 'sent'))
    expect(rig.ledger).toHaveLength(40)
    await process.end()
  })
})
