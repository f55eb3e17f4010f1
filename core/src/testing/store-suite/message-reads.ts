import { describe, expect, it } from 'vitest'
import type { Message } from '../../message/message.ts'
import type { MessageStore } from '../../message/store.ts'
import { at, id, longAgo, message, newWorkspaceId, start } from './fixtures.ts'
import { type Open, race } from './versioned.ts'

const attempt = (over: Partial<NonNullable<Message['attempt']>> = {}) => ({
  id: id('att'),
  lineId: 'line_a',
  address: 'a',
  number: 1,
  at: start,
  lookups: 0,
  ...over,
})
const ids = (docs: readonly { id: string }[]): string[] => docs.map((doc) => doc.id)

async function keep(store: MessageStore, workspaceId: string, ...overs: Partial<Message>[]): Promise<Message[]> {
  const docs = overs.map((over) => message({ workspaceId, ...over }))
  await Promise.all(docs.map((doc) => store.insert(doc)))
  return docs
}

export function messageReadCases(open: Open): void {
  const store = () => open().messages

  describe('messages: work to do', () => {
    it('due: not after the time, soonest first, high priority before normal, as many as asked for', async () => {
      const workspaceId = newWorkspaceId()
      const [late, normal, high, soon] = (await keep(
        store(),
        workspaceId,
        { dueAt: longAgo(2, 30) },
        { dueAt: longAgo(2, 20) },
        { dueAt: longAgo(2, 20), priority: 'high', version: 4 },
        { dueAt: longAgo(2, 10) },
        { dueAt: longAgo(2, 31) },
        { dueAt: null, status: 'delivered' },
      )) as [Message, Message, Message, Message]
      const mine = async (limit: number) => (await store().due(longAgo(2, 30), 100)).filter((one) => one.workspaceId === workspaceId).slice(0, limit)
      expect(ids(await mine(9))).toEqual(ids([soon, high, normal, late]))
      expect((await mine(9))[1]).toEqual({ workspaceId, id: high.id, dueAt: longAgo(2, 20), version: 4 })
      expect(await store().due(longAgo(2, 30), 2)).toHaveLength(2)
      for (const doc of [late, normal, high, soon]) await store().commit({ ...doc, dueAt: null })
      expect(await mine(9)).toEqual([])
    })

    it('backlog: how many are due, and since when', async () => {
      const workspaceId = newWorkspaceId()
      expect(await store().backlog(longAgo(1, 0))).toEqual({ count: 0, oldestDueAt: null })
      await keep(store(), workspaceId, { dueAt: longAgo(1, 30) }, { dueAt: longAgo(1, 20) }, { dueAt: longAgo(1, 31) }, { dueAt: null })
      expect(await store().backlog(longAgo(1, 30))).toEqual({ count: 2, oldestDueAt: longAgo(1, 20) })
    })

    it('pendingOfLine: pending at normal priority, after a time, soonest first, of one line of one workspace', async () => {
      const workspaceId = newWorkspaceId()
      const slot = { status: 'pending', fromLineId: 'line_a' } as const
      const [second, first] = (await keep(
        store(),
        workspaceId,
        { ...slot, sendAt: at(20) },
        { ...slot, sendAt: at(11) },
        { ...slot, sendAt: at(10) },
        { ...slot, sendAt: at(15), priority: 'high' },
        { ...slot, sendAt: at(15), status: 'queued' },
        { ...slot, sendAt: at(15), fromLineId: 'line_b' },
        { ...slot, sendAt: null },
      )) as [Message, Message]
      expect(await store().pendingOfLine(workspaceId, 'line_a', at(10), 10)).toEqual([first, second])
      expect(ids(await store().pendingOfLine(workspaceId, 'line_a', at(10), 1))).toEqual([first.id])
      expect(await store().pendingOfLine(newWorkspaceId(), 'line_a', at(10), 10)).toEqual([])
    })

    it('openOfLine: queued, pending and sending, of one line of one workspace', async () => {
      const workspaceId = newWorkspaceId()
      const of = (status: Message['status'], fromLineId = 'line_a') => ({ status, fromLineId })
      const docs = await keep(store(), workspaceId, of('queued'), of('pending'), of('sending'), of('sent'), of('failed'), of('queued', 'line_b'))
      expect(new Set(ids(await store().openOfLine(workspaceId, 'line_a', 10)))).toEqual(new Set(ids(docs.slice(0, 3))))
      expect(await store().openOfLine(workspaceId, 'line_a', 2)).toHaveLength(2)
      expect(await store().openOfLine(newWorkspaceId(), 'line_a', 10)).toEqual([])
    })

    it('open: what waits for a lead, oldest first', async () => {
      const workspaceId = newWorkspaceId()
      const of = (status: Message['status'], ms: number, leadId = 'lead_a') => ({ status, leadId, createdAt: at(ms) })
      const [newer, older] = (await keep(
        store(),
        workspaceId,
        of('queued', 2),
        of('pending', 1),
        of('sending', 0),
        of('sent', 0),
        of('queued', 0, 'lead_b'),
      )) as [Message, Message]
      expect(await store().open(workspaceId, { leadId: 'lead_a' }, 10)).toEqual([older, newer])
      expect(ids(await store().open(workspaceId, { leadId: 'lead_a' }, 1))).toEqual([older.id])
      expect(await store().open(newWorkspaceId(), { leadId: 'lead_a' }, 10)).toEqual([])
    })

    it('open: what waits for an address, wherever the message names it, each once', async () => {
      const workspaceId = newWorkspaceId()
      const none = { address: null, recipientPhone: null, recipientEmail: null }
      const docs = await keep(
        store(),
        workspaceId,
        { ...none, address: 'x' },
        { ...none, recipientPhone: 'x' },
        { ...none, recipientEmail: 'x' },
        { address: 'x', recipientPhone: 'x', recipientEmail: null, status: 'pending' },
        { ...none, recipientPhone: 'y' },
        { ...none, address: 'x', status: 'sending' },
      )
      expect(ids(await store().open(workspaceId, { address: 'x' }, 10))).toEqual(ids(docs.slice(0, 4)))
      expect(ids(await store().open(workspaceId, { address: 'x' }, 2))).toEqual(ids(docs.slice(0, 2)))
      expect(await store().open(newWorkspaceId(), { address: 'x' }, 10)).toEqual([])
    })

    it('sendingTo: ids of what is being handed over to these addresses', async () => {
      const workspaceId = newWorkspaceId()
      const docs = await keep(
        store(),
        workspaceId,
        { status: 'sending', address: 'x' },
        { status: 'sending', address: 'y' },
        { status: 'sending', address: 'z' },
        { status: 'sent', address: 'x' },
        { status: 'queued', address: 'x' },
      )
      expect(new Set(await store().sendingTo(workspaceId, ['x', 'y', 'w']))).toEqual(new Set(ids(docs.slice(0, 2))))
      expect(await store().sendingTo(workspaceId, [])).toEqual([])
      expect(await store().sendingTo(newWorkspaceId(), ['x'])).toEqual([])
    })
  })

  describe('messages: whose is it', () => {
    it('byExternalId: on the line that is named, or on any', async () => {
      const workspaceId = newWorkspaceId()
      const externalMessageId = id('att')
      const [doc] = await keep(
        store(),
        workspaceId,
        { externalMessageId, fromLineId: 'line_a' },
        { externalMessageId: 'other', fromLineId: 'line_a' },
      )
      expect(await store().byExternalId(workspaceId, 'line_a', externalMessageId)).toEqual(doc)
      expect(await store().byExternalId(workspaceId, null, externalMessageId)).toEqual(doc)
      expect(await store().byExternalId(workspaceId, 'line_b', externalMessageId)).toBeNull()
      expect(await store().byExternalId(newWorkspaceId(), null, externalMessageId)).toBeNull()
    })

    it('byAttempt: the message of a hand-over', async () => {
      const workspaceId = newWorkspaceId()
      const [doc] = (await keep(store(), workspaceId, { attempt: attempt() }, { attempt: attempt() }, {})) as [Message]
      expect(await store().byAttempt(workspaceId, doc.attempt?.id ?? '')).toEqual(doc)
      expect(await store().byAttempt(workspaceId, 'att_none')).toBeNull()
      expect(await store().byAttempt(newWorkspaceId(), doc.attempt?.id ?? '')).toBeNull()
    })

    it('locate: in whatever workspace, by either id', async () => {
      const workspaceId = newWorkspaceId()
      const [doc] = (await keep(store(), workspaceId, { externalMessageId: id('att') })) as [Message]
      expect(await store().locate({ id: doc.id })).toEqual({ workspaceId, id: doc.id })
      expect(await store().locate({ externalId: doc.externalMessageId ?? '' })).toEqual({ workspaceId, id: doc.id })
      expect(await store().locate({ id: 'msg_none' })).toBeNull()
      expect(await store().locate({ externalId: 'none' })).toBeNull()
    })

    it('latestTo: the latest that was handed over to the address, on one line or on any', async () => {
      const workspaceId = newWorkspaceId()
      const to = { address: 'x', fromLineId: 'line_a' }
      const [first, second] = (await keep(
        store(),
        workspaceId,
        { ...to, status: 'delivered', sentAt: at(10) },
        { ...to, fromLineId: 'line_b', status: 'sending', attempt: attempt({ at: at(20) }) },
        { ...to, status: 'queued' },
        { ...to, status: 'failed', failedAt: at(30) },
        { ...to, address: 'y', status: 'sent', sentAt: at(40) },
      )) as [Message, Message]
      expect(await store().latestTo(workspaceId, 'x')).toEqual(second)
      expect(await store().latestTo(workspaceId, 'x', 'line_a')).toEqual(first)
      expect(await store().latestTo(workspaceId, 'x', 'line_c')).toBeNull()
      expect(await store().latestTo(newWorkspaceId(), 'x')).toBeNull()
    })

    it('lineOfLead: the line that talks to the lead', async () => {
      const workspaceId = newWorkspaceId()
      const to = { leadId: 'lead_a', address: 'x' }
      await keep(
        store(),
        workspaceId,
        { ...to, fromLineId: 'line_b', status: 'sent', sentAt: at(20) },
        { ...to, fromLineId: 'line_a', status: 'sent', sentAt: at(10) },
        { ...to, fromLineId: 'line_c', status: 'queued' },
        { ...to, leadId: 'lead_b', fromLineId: 'line_d', status: 'sent', sentAt: at(30) },
      )
      expect(await store().lineOfLead(workspaceId, 'lead_a')).toBe('line_b')
      expect(await store().lineOfLead(workspaceId, 'lead_c')).toBeNull()
      expect(await store().lineOfLead(newWorkspaceId(), 'lead_a')).toBeNull()
    })

    it.each([
      ['queued', {}, false],
      ['pending', {}, false],
      ['sending', { attempt: attempt() }, true],
      ['sent', { sentAt: start }, true],
      ['delivered', { sentAt: start }, true],
      ['failed', { failure: { code: 'outcome_unknown', detail: '', permanent: true } }, true],
      ['failed', { failure: { code: 'invalid_recipient', detail: '', permanent: true } }, false],
      ['fallback', {}, false],
      ['cancelled', {}, false],
    ] as const)('touched: by a message that is %s with %j: %j', async (status, over, expected) => {
      const workspaceId = newWorkspaceId()
      await keep(store(), workspaceId, { status, address: 'x', fromLineId: 'line_a', ...over })
      expect(await store().touched(workspaceId, 'line_a', 'x')).toBe(expected)
      expect(await store().touched(workspaceId, 'line_b', 'x')).toBe(false)
      expect(await store().touched(workspaceId, 'line_a', 'y')).toBe(false)
      expect(await store().touched(newWorkspaceId(), 'line_a', 'x')).toBe(false)
    })

    it('removeForLead: all of one lead, and nothing else', async () => {
      const workspaceId = newWorkspaceId()
      const docs = await keep(store(), workspaceId, { leadId: 'lead_a' }, { leadId: 'lead_a', status: 'sent' }, { leadId: 'lead_b' })
      expect(await store().removeForLead(newWorkspaceId(), 'lead_a')).toEqual([])
      expect(new Set(await store().removeForLead(workspaceId, 'lead_a'))).toEqual(new Set(ids(docs.slice(0, 2))))
      expect(ids((await store().find(workspaceId, {}, { limit: 10 })).messages)).toEqual(ids(docs.slice(2)))
    })
  })

  describe('messages: receipts that came too early', () => {
    const parked = (over = {}) => ({ lineId: 'line_a', externalId: 'x', receipt: '{"status":"sent \\u0000"}', at: at(10), ...over })

    it('keeps each once, and hands them out once, oldest first', async () => {
      const workspaceId = newWorkspaceId()
      const older = parked({ receipt: '{"status":"delivered"}', at: at(5) })
      await race(() => store().park(workspaceId, parked()))
      await store().park(workspaceId, older)
      await store().park(workspaceId, parked({ lineId: 'line_b' }))
      await store().park(workspaceId, parked({ externalId: 'y' }))
      expect(await store().unpark(newWorkspaceId(), 'line_a', 'x')).toEqual([])
      const taken = await race(() => store().unpark(workspaceId, 'line_a', 'x'))
      expect(taken.flat()).toEqual([older, parked()])
      expect(await store().unpark(workspaceId, 'line_b', 'x')).toEqual([parked({ lineId: 'line_b' })])
    })

    it('forgets what was parked before a time', async () => {
      const workspaceId = newWorkspaceId()
      await store().park(workspaceId, parked({ at: longAgo(1, 9) }))
      await store().park(workspaceId, parked({ at: longAgo(1, 10), receipt: '{}' }))
      await store().pruneParked(longAgo(1, 10))
      expect(await store().unpark(workspaceId, 'line_a', 'x')).toEqual([parked({ at: longAgo(1, 10), receipt: '{}' })])
    })
  })
}
