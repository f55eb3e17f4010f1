import { describe, expect, it } from 'vitest'
import type { MessageFilter } from '../../message/store.ts'
import { at, event, id, message, newWorkspaceId, start } from './fixtures.ts'
import { foreignCommitCase, type Open, outboxCases, race, versionedCases } from './versioned.ts'

/** Everything a message can hold, so that nothing of it gets lost. */
const full = (workspaceId: string) =>
  message({
    workspaceId,
    hold: { reason: 'gap', until: at(1), detail: '' },
    failure: { code: 'x', detail: 'y', permanent: true },
    leadId: 'lead_1',
    campaignId: 'cmp_1',
    stepIndex: 2,
    checkedAddresses: [{ address: 'a', available: null, checkedAt: at(2), source: 'cache' }],
    scheduledDate: at(3),
    sendAt: at(4),
    sentAt: at(5),
    deliveredAt: at(6),
    readAt: at(7),
    failedAt: at(8),
    externalMessageId: id('att'),
    attempt: { id: id('att'), lineId: 'line_1', address: 'a', number: 1, at: at(9), lookups: 0 },
    window: { start: '08:00', end: null, days: [1], timezone: 'lead' },
    reservation: { lineId: 'line_1', day: '2026-11-22', state: 'held' },
    metadata: { at: start.toISOString(), deep: { list: [1, null, 'x'] } },
    outbox: [event()],
    seq: 1,
  })

export function messageCases(open: Open): void {
  const store = () => open().messages
  versionedCases('messages', full, store)
  outboxCases('messages', 100, (workspaceId) => message({ workspaceId }), store)

  describe('messages: writing', () => {
    foreignCommitCase((workspaceId) => message({ workspaceId }), store)

    it('writes 500 at once, and commits them at once', async () => {
      const workspaceId = newWorkspaceId()
      const docs = Array.from({ length: 500 }, () => message({ workspaceId, status: 'queued' }))
      expect((await Promise.all(docs.map((doc) => store().insert(doc)))).every(Boolean)).toBe(true)
      expect((await Promise.all(docs.map((doc) => store().commit({ ...doc, status: 'cancelled', dueAt: null })))).every(Boolean)).toBe(true)
      const stored = await Promise.all(docs.map((doc) => store().get(workspaceId, doc.id)))
      expect(stored.every((doc, n) => doc?.id === docs[n]?.id && doc?.status === 'cancelled' && doc?.version === 2)).toBe(true)
    })

    it('reads what was written a moment ago, however many ask', async () => {
      const doc = message({ workspaceId: newWorkspaceId() })
      const stale = race(() => store().get(doc.workspaceId, doc.id))
      await store().insert(doc)
      expect((await race(() => store().get(doc.workspaceId, doc.id))).every((one) => one?.id === doc.id)).toBe(true)
      await stale
    })

    it('keeps every text and every key that JSON can say', async () => {
      const metadata: Record<string, unknown> = JSON.parse('{"__proto__":{"x":1},"$set":{"a":1},"a.b":{"constructor":"c"},"nul":"a\\u0000b","":""}')
      const doc = message({
        workspaceId: newWorkspaceId(),
        message: 'a\u0000b $where {"$ne":1} \u{1F600} \u2028',
        metadata,
        batchId: 'b\u0000',
        recipientName: "'; --",
      })
      expect(await store().insert(doc)).toBe(true)
      const stored = await store().get(doc.workspaceId, doc.id)
      expect(stored?.message).toBe(doc.message)
      expect(JSON.stringify(stored?.metadata)).toBe(JSON.stringify(metadata))
      const { messages } = await store().find(doc.workspaceId, { batchId: 'b\u0000' }, { limit: 5 })
      expect(messages.map((one) => one.id)).toEqual([doc.id])
      expect(await store().get(doc.workspaceId, '\u0000\ud800')).toBeNull()
    })

    it('keeps what it can of half a surrogate pair, and never fails its neighbours for it', async () => {
      const workspaceId = newWorkspaceId()
      const docs = ['fine', 'half \ud83d', 'fine too'].map((text) => message({ workspaceId, message: text, batchId: text }))
      expect(await Promise.all(docs.map((doc) => store().insert(doc)))).toEqual([true, true, true])
      const stored = await Promise.all(docs.map((doc) => store().get(workspaceId, doc.id)))
      expect(stored.map((doc) => doc?.message.toWellFormed())).toEqual(['fine', 'half \ufffd', 'fine too'])
    })

    it('fails a document that cannot be written, and not its neighbours', async () => {
      const workspaceId = newWorkspaceId()
      const ring: Record<string, unknown> = {}
      ring.self = ring
      const outcomes = await Promise.allSettled([
        store().insert(message({ workspaceId })),
        store().insert(message({ workspaceId, metadata: ring })),
        store().insert(message({ workspaceId })),
      ])
      expect(outcomes.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect((await store().find(workspaceId, {}, { limit: 10 })).messages).toHaveLength(2)
    })
  })

  describe('messages: find', () => {
    it('pages newest first, through messages of one moment too, to the end', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [0, 0, 0, 5, 5, 9, 3].map((ms) => message({ workspaceId, createdAt: at(ms) }))
      await Promise.all(docs.map((doc) => store().insert(doc)))
      const expected = docs.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1)).map((doc) => doc.id)
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await store().find(workspaceId, {}, { limit: 2, ...(cursor === undefined ? {} : { cursor }) })
        seen.push(...page.messages.map((doc) => doc.id))
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      expect(seen).toEqual(expected)
      expect((await store().find(workspaceId, {}, { limit: 7 })).nextCursor).toBeNull()
    })

    it.each(['x', '', 'e30', Buffer.from('[1]').toString('base64url'), Buffer.from('{"$gt":""}').toString('base64url')])(
      'refuses the cursor %j, which it did not hand out',
      async (cursor) => {
        await expect(store().find(newWorkspaceId(), {}, { limit: 2, cursor })).rejects.toMatchObject({
          code: 'VALIDATION',
          issues: [{ path: 'cursor' }],
        })
      },
    )

    const wanted = { status: 'sent', fromLineId: 'line_a', leadId: 'lead_a', campaignId: 'cmp_a', batchId: 'batch a', createdAt: at(10) } as const
    const filters: MessageFilter[] = [
      { status: 'sent' },
      { lineId: 'line_a' },
      { leadId: 'lead_a' },
      { campaignId: 'cmp_a' },
      { batchId: 'batch a' },
      { since: at(10) },
    ]
    it.each([...filters, Object.assign({}, ...filters) as MessageFilter])('keeps to %j', async (filter) => {
      const workspaceId = newWorkspaceId()
      const doc = message({ workspaceId, ...wanted })
      await store().insert(
        message({ workspaceId, createdAt: at(9), status: 'failed', fromLineId: 'line_b', leadId: 'lead_b', campaignId: 'cmp_b', batchId: 'b' }),
      )
      await store().insert(message({ workspaceId, createdAt: at(9) }))
      await store().insert(doc)
      await store().insert(message({ workspaceId: newWorkspaceId(), ...wanted }))
      expect((await store().find(workspaceId, filter, { limit: 10 })).messages).toEqual([doc])
    })
  })
}
