import { describe, expect, it } from 'vitest'
import type { ReplyFilter } from '../../conversation/store.ts'
import { at, id, longAgo, newWorkspaceId, reply, start } from './fixtures.ts'
import { foreignCommitCase, type Open, race, versionedCases } from './versioned.ts'

export function replyCases(open: Open): void {
  const store = () => open().replies
  /** With a content of its own, so that it is nobody's redelivery. */
  const own = () => ({ contentKey: id('rpl'), withinMs: 1_000 })
  const single = () => ({
    get: (workspaceId: string, replyId: string) => store().get(workspaceId, replyId),
    commit: (doc: ReturnType<typeof reply>) => store().commit(doc),
    insert: async (doc: ReturnType<typeof reply>) => (await store().insert(doc, own())).inserted,
  })
  const make = (workspaceId: string) => reply({ workspaceId, text: 'a\u0000b', externalId: id('rpl') })
  versionedCases('replies', make, single)

  describe('replies: redeliveries', () => {
    foreignCommitCase(make, single)

    it('keeps one of many with the same line and vendor id, and gives the others that one', async () => {
      const workspaceId = newWorkspaceId()
      const outcomes = await race(() => store().insert(reply({ workspaceId, externalId: 'v1' }), own()))
      expect(outcomes.filter((one) => one.inserted)).toHaveLength(1)
      const existing = new Set(outcomes.flatMap((one) => (one.inserted ? [] : [one.existing.id])))
      expect(existing.size).toBe(1)
      expect((await store().find(workspaceId, {}, { limit: 9 })).replies.map((one) => one.id)).toEqual([...existing])
    })

    it('keeps one of many with the same content near in time', async () => {
      const workspaceId = newWorkspaceId()
      const outcomes = await race((n) =>
        store().insert(reply({ workspaceId, externalId: n % 2 === 0 ? `v${n}` : null, at: at(n) }), { contentKey: 'c\u0000', withinMs: 1_000 }),
      )
      expect(outcomes.filter((one) => one.inserted)).toHaveLength(1)
      expect((await store().find(workspaceId, {}, { limit: 9 })).replies).toHaveLength(1)
    })

    it.each([
      [1_000, false],
      [-1_000, false],
      [1_001, true],
      [-1_001, true],
    ])('takes the same content %i ms away for another message: %j', async (ms, inserted) => {
      const workspaceId = newWorkspaceId()
      const first = reply({ workspaceId })
      const dedupe = { contentKey: 'c', withinMs: 1_000 }
      await store().insert(first, dedupe)
      const outcome = await store().insert(reply({ workspaceId, at: at(ms) }), dedupe)
      expect(outcome).toEqual(inserted ? { inserted: true } : { inserted: false, existing: first })
    })

    it('still knows the content after the reply was changed', async () => {
      const workspaceId = newWorkspaceId()
      const first = reply({ workspaceId })
      const dedupe = { contentKey: 'c', withinMs: 1_000 }
      await store().insert(first, dedupe)
      await store().commit({ ...first, announced: true, leadId: 'lead_a' })
      expect((await store().insert(reply({ workspaceId }), dedupe)).inserted).toBe(false)
    })

    it('tells apart other lines, other vendor ids, other contents and other workspaces', async () => {
      const workspaceId = newWorkspaceId()
      const dedupe = { contentKey: 'c', withinMs: 1_000 }
      await store().insert(reply({ workspaceId, externalId: 'v1' }), dedupe)
      expect(await store().insert(reply({ workspaceId, externalId: 'v1', lineId: 'line_2' }), own())).toEqual({ inserted: true })
      expect(await store().insert(reply({ workspaceId, externalId: 'v2' }), own())).toEqual({ inserted: true })
      expect(await store().insert(reply({ workspaceId: newWorkspaceId(), externalId: 'v1' }), dedupe)).toEqual({ inserted: true })
      expect(await store().insert(reply({ workspaceId, externalId: 'v3', lineId: null }), own())).toEqual({ inserted: true })
      expect((await store().insert(reply({ workspaceId, externalId: 'v3', lineId: null }), own())).inserted).toBe(false)
    })
  })

  describe('replies: reading', () => {
    const wanted = { leadId: 'lead_a', lineId: 'line_a', campaignId: 'cmp_a', messageId: 'msg_a', createdAt: at(10) }
    const filters: ReplyFilter[] = [{ leadId: 'lead_a' }, { lineId: 'line_a' }, { campaignId: 'cmp_a' }, { messageId: 'msg_a' }, { since: at(10) }]
    it.each([...filters, Object.assign({}, ...filters) as ReplyFilter])('find keeps to %j', async (filter) => {
      const workspaceId = newWorkspaceId()
      const doc = reply({ workspaceId, ...wanted })
      await store().insert(doc, own())
      await store().insert(
        reply({ workspaceId, leadId: 'lead_b', lineId: 'line_b', campaignId: 'cmp_b', messageId: 'msg_b', createdAt: at(9) }),
        own(),
      )
      await store().insert(reply({ workspaceId: newWorkspaceId(), ...wanted }), own())
      expect((await store().find(workspaceId, filter, { limit: 9 })).replies).toEqual([doc])
    })

    it('find pages newest first to the end, and refuses a foreign cursor', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [1, 2, 2].map((ms) => reply({ workspaceId, createdAt: at(ms) }))
      for (const doc of docs) await store().insert(doc, own())
      const first = await store().find(workspaceId, {}, { limit: 2 })
      expect(first.replies).toEqual([docs[2], docs[1]])
      expect(await store().find(workspaceId, {}, { limit: 2, cursor: first.nextCursor ?? '' })).toEqual({ replies: [docs[0]], nextCursor: null })
      await expect(store().find(workspaceId, {}, { limit: 2, cursor: 'x' })).rejects.toMatchObject({ code: 'VALIDATION' })
    })

    it('latestFrom: when the address last wrote', async () => {
      const workspaceId = newWorkspaceId()
      for (const ms of [5, 9, 7]) await store().insert(reply({ workspaceId, from: 'x', at: at(ms) }), own())
      await store().insert(reply({ workspaceId, from: 'y', at: at(20) }), own())
      expect(await store().latestFrom(workspaceId, 'x')).toEqual(at(9))
      expect(await store().latestFrom(workspaceId, 'z')).toBeNull()
      expect(await store().latestFrom(newWorkspaceId(), 'x')).toBeNull()
    })

    it('unannounced: made before a time with consequences unwritten, oldest first, as many as asked for', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [30, 10, 20, 40].map((ms) => reply({ workspaceId, createdAt: longAgo(3, ms) }))
      const done = reply({ workspaceId, createdAt: longAgo(3, 5), announced: true })
      for (const doc of [...docs, done]) await store().insert(doc, own())
      const [third, first, second] = docs as [(typeof docs)[0], (typeof docs)[0], (typeof docs)[0]]
      const found = async (limit: number) => (await store().unannounced(longAgo(3, 40), limit)).map((one) => one.id)
      expect(await found(10)).toEqual([first.id, second.id, third.id])
      expect(await found(2)).toEqual([first.id, second.id])
      await store().commit({ ...first, announced: true })
      expect(await found(10)).toEqual([second.id, third.id])
    })

    it('removeForLead: with what came from its addresses before it was a lead, and nothing that another lead wrote', async () => {
      const workspaceId = newWorkspaceId()
      const early = reply({ workspaceId, leadId: null, from: '+15005550111', at: start })
      const stranger = reply({ workspaceId, leadId: null, from: '+15005550112' })
      const other = reply({ workspaceId, leadId: 'lead_b', from: '+15005550111' })
      for (const doc of [early, stranger, other]) await store().insert(doc, own())
      await store().removeForLead(workspaceId, 'lead_a', ['+15005550111', 'a@x.test'])
      expect(new Set((await store().find(workspaceId, {}, { limit: 9 })).replies.map(({ id }) => id))).toEqual(new Set([stranger.id, other.id]))
    })

    it('removeForLead: all of one lead, in its own workspace', async () => {
      const workspaceId = newWorkspaceId()
      const [mine, other] = [reply({ workspaceId, leadId: 'lead_a', at: start }), reply({ workspaceId, leadId: 'lead_b' })]
      for (const doc of [mine, other]) await store().insert(doc, own())
      await store().removeForLead(newWorkspaceId(), 'lead_a', [mine.from])
      expect(await store().get(workspaceId, mine.id)).toEqual(mine)
      await store().removeForLead(workspaceId, 'lead_a', [])
      expect((await store().find(workspaceId, {}, { limit: 9 })).replies).toEqual([other])
    })
  })
}
