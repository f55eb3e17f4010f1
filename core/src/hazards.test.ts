import { afterEach, describe, expect, it } from 'vitest'
import type { Message } from './message/message.ts'
import type { Caller, LineInput } from './operations.ts'
import { type CrashRig, createCrashRig, type Process } from './testing/crash-rig.ts'

let rig: CrashRig
afterEach(() => rig.close())

const phoneOf = (n: number) => `+1415555${String(1_000 + n)}`

async function all(process: Process, { workspaceId }: Caller): Promise<Message[]> {
  return (await process.stores.messages.find(workspaceId, {}, { limit: 500 })).messages
}

async function begin(lines: readonly LineInput[] = [{}]): Promise<{ caller: Caller; process: Process }> {
  const caller = await rig.furnish(lines)
  const process = await rig.start()
  await process.engine.work()
  return { caller, process }
}

const passing = (process: Process, ms: number) => process.until(async () => false, ms)

describe('a bridge that does not answer', () => {
  /** Another tenant, whose line is as quick as ever. */
  async function neighbour({ engine }: Process, caller: Caller): Promise<Caller> {
    const { workspace } = await engine.workspaces.create(caller, { name: 'neighbour' })
    const other = { ...caller, workspaceId: workspace.id }
    await engine.lines.create(other, { name: 'quick', channel: 'imessage', transport: { type: 'vendor' } })
    return other
  }

  async function isServed(process: Process, other: Caller): Promise<boolean> {
    const { id } = await process.engine.messages.accept(other, { message: 'quick', recipientPhone: phoneOf(900) })
    return process.until(async () => (await process.stores.messages.get(other.workspaceId, id))?.status === 'sent', 4_000)
  }

  it('keeps nobody else waiting, however much is meant for it', async () => {
    rig = await createCrashRig({ send: ({ text }) => (text === 'quick' ? { type: 'accepted' } : new Promise(() => undefined)) })
    const { caller, process } = await begin()
    const other = await neighbour(process, caller)
    // Two hundred places for what is slow, sixteen for what is handed over at the same time.
    for (let n = 0; n < 200; n++) await process.engine.messages.accept(caller, { message: 'slow', recipientPhone: phoneOf(n) })
    await passing(process, 2_000)
    expect(await isServed(process, other)).toBe(true)
    expect((await all(process, caller)).filter(({ status }) => status === 'sending').length).toBeLessThanOrEqual(80)
  })

  it('keeps nobody else waiting with what is meant for one lead', async () => {
    rig = await createCrashRig({
      check: (address) => (address === phoneOf(900) ? Promise.resolve({ type: 'answer', available: true }) : new Promise(() => undefined)),
    })
    const { caller, process } = await begin()
    const other = await neighbour(process, caller)
    for (let n = 0; n < 40; n++) await process.engine.messages.accept(caller, { message: `#${n}`, recipientPhone: phoneOf(1) })
    await passing(process, 2_000)
    expect(await isServed(process, other)).toBe(true)
  })
})

describe('time that passes while a bridge is asked', () => {
  it('closes the window all the same', async () => {
    let asked: Process | null = null
    rig = await createCrashRig({
      check: (address) =>
        new Promise((resolve) => asked?.clock.runtime.after(address === phoneOf(1) ? 90_000 : 0, () => resolve({ type: 'answer', available: true }))),
    })
    const { caller, process } = await begin()
    asked = process
    await process.engine.messages.accept(caller, { message: 'late', recipientPhone: phoneOf(1), sendWindowStart: '08:00', sendWindowEnd: '12:01' })
    await passing(process, 120_000)
    expect(rig.ledger).toEqual([])
    expect((await all(process, caller))[0]).toMatchObject({ status: 'queued', hold: { reason: 'window_closed' } })
    await process.end()
  })
})

describe('a message whose lead was erased while it was being accepted', () => {
  it('goes to nobody', async () => {
    rig = await createCrashRig()
    const { caller, process } = await begin()
    const { leadId } = await process.engine.messages.accept(caller, {
      message: 'too late',
      recipientPhone: phoneOf(1),
      scheduledDate: new Date(process.clock.runtime.now().getTime() + 30_000).toISOString(),
    })
    await process.stores.leads.remove(caller.workspaceId, leadId ?? '')
    await passing(process, 60_000)
    expect(rig.ledger).toEqual([])
    expect((await all(process, caller))[0]).toMatchObject({ status: 'cancelled', reason: 'the lead was deleted' })
    await process.end()
  })
})

describe('a message that waits for something without an end', () => {
  it('looks ever more seldom, and its history does not grow', async () => {
    rig = await createCrashRig()
    const { caller, process } = await begin()
    const message = await process.engine.messages.accept(caller, {
      message: 'waits',
      recipientPhone: phoneOf(1),
      scheduledDate: '2026-11-22T12:00:20Z',
    })
    await process.engine.workspaces.setReadOnly(caller, caller.workspaceId, { reason: 'unpaid' })
    await passing(process, 3_600_000)
    const waiting = await process.stores.messages.get(caller.workspaceId, message.id)
    expect(waiting?.hold?.reason).toBe('workspace_read_only')
    expect(waiting?.version).toBeLessThan(40)
    await process.engine.workspaces.setReadOnly(caller, caller.workspaceId, null)
    await passing(process, 5_000)
    expect(rig.ledger.length).toBe(1)
    await process.end()
  })
})

describe('a line whose transport cannot be opened any more', () => {
  /** As after an upgrade without its plugin. */
  async function withoutTransport(process: Process, { workspaceId }: Caller): Promise<void> {
    const line = (await process.stores.lines.list(workspaceId))[0]
    if (line) await process.stores.lines.commit({ ...line, transport: { type: 'gone', settings: {}, sealed: {} } })
  }

  it('leaves no message in flight for ever', async () => {
    rig = await createCrashRig({ send: () => new Promise(() => undefined) })
    const { caller, process } = await begin()
    const { id } = await process.engine.messages.accept(caller, { message: 'where is it?', recipientPhone: phoneOf(1) })
    await process.until(async () => (await process.stores.messages.get(caller.workspaceId, id))?.status === 'sending')
    await withoutTransport(process, caller)
    await process.end()
    const next = await rig.start()
    await next.engine.work()
    await passing(next, 60_000)
    expect(await next.stores.messages.get(caller.workspaceId, id)).toMatchObject({ status: 'failed', failure: { code: 'outcome_unknown' } })
    await next.end()
  })
})
