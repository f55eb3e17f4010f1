import { describe, expect, it } from 'vitest'
import type { Delivery, DeliveryFilter } from '../../event/store.ts'
import { at, delivery, longAgo, newWorkspaceId, start } from './fixtures.ts'
import { foreignCommitCase, type Open, race, versionedCases } from './versioned.ts'

const settled = { status: 'delivered', dueAt: null } as const
const ids = (docs: readonly { id: string }[]): string[] => docs.map((doc) => doc.id)

export function deliveryCases(open: Open): void {
  const store = () => open().deliveries
  const single = () => ({
    get: (workspaceId: string, docId: string) => store().get(workspaceId, docId),
    commit: (doc: Delivery) => store().commit(doc),
    insert: async (doc: Delivery) => (await store().insert([doc])).length === 1,
  })
  const make = (workspaceId: string) => delivery({ workspaceId, body: '{"text":"\\u0000 \u{1F600}"}', leadId: 'lead_1', correlationId: 'c' })
  versionedCases('deliveries', make, single)

  describe('deliveries: insert and claim', () => {
    foreignCommitCase(make, single)

    it('inserts those that are not there, and says which; many at once make each once', async () => {
      const workspaceId = newWorkspaceId()
      const docs = Array.from({ length: 30 }, () => delivery({ workspaceId }))
      const made = await race((n) => store().insert(n % 2 === 0 ? docs : docs.toReversed()))
      expect(made.flat().toSorted()).toEqual(ids(docs).toSorted())
      expect(await store().insert([])).toEqual([])
      const fresh = delivery({ workspaceId })
      expect(await store().insert([docs[0] as Delivery, fresh, fresh])).toEqual([fresh.id])
    })

    it('claims what is due for one of many: version raised, due when the lease ends', async () => {
      const doc = delivery({ workspaceId: newWorkspaceId(), dueAt: at(10) })
      const { workspaceId } = doc
      await store().insert([doc])
      expect(await store().claim(workspaceId, doc.id, at(9), at(100))).toBeNull()
      expect(await store().claim(newWorkspaceId(), doc.id, at(10), at(100))).toBeNull()
      expect(await store().claim(workspaceId, 'dlv_none', at(10), at(100))).toBeNull()
      const won = (await race(() => store().claim(workspaceId, doc.id, at(10), at(100)))).filter((one) => one !== null)
      expect(won).toEqual([{ ...doc, version: doc.version + 1, dueAt: at(100) }])
      expect(await store().get(workspaceId, doc.id)).toEqual(won[0])
      expect(await store().claim(workspaceId, doc.id, at(99), at(200))).toBeNull()
      expect(await store().commit(doc)).toBe(false)
      expect(await store().commit({ ...(won[0] as Delivery), ...settled })).toBe(true)
      expect(await store().claim(workspaceId, doc.id, at(1_000), at(2_000))).toBeNull()
    })

    it('claims again what a dead worker left, at the end of its lease; the dead one commits nothing', async () => {
      const doc = delivery({ workspaceId: newWorkspaceId() })
      await store().insert([doc])
      const first = await store().claim(doc.workspaceId, doc.id, start, at(10))
      const second = await store().claim(doc.workspaceId, doc.id, at(10), at(20))
      expect(second?.version).toBe(doc.version + 2)
      expect(await store().commit({ ...(first as Delivery), ...settled })).toBe(false)
      expect(await store().commit({ ...(second as Delivery), ...settled })).toBe(true)
    })

    it('inserts, claims and commits 500 at once', async () => {
      const workspaceId = newWorkspaceId()
      const docs = Array.from({ length: 500 }, () => delivery({ workspaceId }))
      expect((await Promise.all(docs.map((doc) => store().insert([doc])))).flat()).toHaveLength(500)
      const claimed = await Promise.all(docs.map((doc) => store().claim(workspaceId, doc.id, start, at(10))))
      expect(claimed.map((doc) => doc?.id)).toEqual(ids(docs))
      expect((await Promise.all(claimed.map((doc) => store().commit({ ...(doc as Delivery), ...settled })))).every(Boolean)).toBe(true)
    })
  })

  describe('deliveries: reading', () => {
    it('due: pending, not after the time, soonest first, as many as asked for', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [30, 10, 20, 31].map((ms) => delivery({ workspaceId, dueAt: longAgo(2, ms) }))
      await store().insert([...docs, delivery({ workspaceId, ...settled })])
      const [third, first, second] = docs as [Delivery, Delivery, Delivery]
      const found = (await store().due(longAgo(2, 30), 100)).filter((one) => one.workspaceId === workspaceId)
      expect(ids(found)).toEqual(ids([first, second, third]))
      expect(found[0]).toEqual({ workspaceId, id: first.id, dueAt: longAgo(2, 10) })
      expect(await store().due(longAgo(2, 30), 2)).toHaveLength(2)
    })

    it('backlog: how many are due, and since when', async () => {
      const workspaceId = newWorkspaceId()
      expect(await store().backlog(longAgo(1, 0))).toEqual({ count: 0, oldestDueAt: null })
      await store().insert([30, 20, 31].map((ms) => delivery({ workspaceId, dueAt: longAgo(1, ms) })))
      expect(await store().backlog(longAgo(1, 30))).toEqual({ count: 2, oldestDueAt: longAgo(1, 20) })
    })

    const wanted = { consumer: 'webhook:whk_a', status: 'failed', dueAt: null, event: 'message.sent', createdAt: at(10) } as const
    const filters: Omit<DeliveryFilter, 'consumer'>[] = [
      { status: 'failed' },
      { events: ['message.sent', 'lead.created'] },
      { since: at(10), until: at(11) },
      { status: 'failed', events: ['message.sent'], since: at(10), until: at(11) },
    ]
    it.each(filters)('find keeps to the consumer and to %j', async (filter) => {
      const workspaceId = newWorkspaceId()
      const doc = delivery({ workspaceId, ...wanted })
      const other = { ...wanted, status: 'skipped', event: 'message.reply' } as const
      await store().insert([
        doc,
        delivery({ workspaceId, ...other, createdAt: at(9) }),
        delivery({ workspaceId, ...other, createdAt: at(12) }),
        delivery({ workspaceId, ...wanted, consumer: 'webhook:whk_b' }),
        delivery({ workspaceId: newWorkspaceId(), ...wanted }),
      ])
      expect((await store().find(workspaceId, { consumer: 'webhook:whk_a', ...filter }, { limit: 9 })).deliveries).toEqual([doc])
    })

    it('find pages newest first to the end, and refuses a foreign cursor', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [1, 2, 2].map((ms) => delivery({ workspaceId, createdAt: at(ms) }))
      await store().insert(docs)
      const filter = { consumer: 'webhook:whk_1' }
      const first = await store().find(workspaceId, filter, { limit: 2 })
      expect(first.deliveries).toEqual([docs[2], docs[1]])
      expect(await store().find(workspaceId, filter, { limit: 2, cursor: first.nextCursor ?? '' })).toEqual({
        deliveries: [docs[0]],
        nextCursor: null,
      })
      await expect(store().find(workspaceId, filter, { limit: 2, cursor: 'x' })).rejects.toMatchObject({ code: 'VALIDATION' })
    })
  })

  describe('deliveries: reopen, remove, prune', () => {
    it('reopens settled ones that match, each once, until none is left', async () => {
      const workspaceId = newWorkspaceId()
      const old = { ...settled, createdAt: at(10) }
      const docs = Array.from({ length: 5 }, () => delivery({ workspaceId, ...old }))
      const others = [
        delivery({ workspaceId, createdAt: at(10) }),
        delivery({ workspaceId, ...old, consumer: 'webhook:whk_2' }),
        delivery({ workspaceId, ...old, event: 'message.reply' }),
        delivery({ workspaceId, ...old, createdAt: at(9) }),
        delivery({ workspaceId, ...old, createdAt: at(12) }),
        delivery({ workspaceId, ...old, status: 'failed' }),
      ]
      const foreign = delivery({ workspaceId: newWorkspaceId(), ...old })
      await store().insert([...docs, ...others, foreign])
      const filter: DeliveryFilter = { consumer: 'webhook:whk_1', status: 'delivered', events: ['message.sent'], since: at(10), until: at(11) }
      const seen: string[] = []
      for (let round = 0; round < 6; round++) {
        const reopened = await store().reopen(workspaceId, filter, at(50), 2)
        expect(reopened.length).toBeLessThanOrEqual(2)
        seen.push(...reopened)
      }
      expect(seen.toSorted()).toEqual(ids(docs).toSorted())
      const [doc] = docs as [Delivery]
      expect(await store().get(workspaceId, doc.id)).toEqual({ ...doc, status: 'pending', dueAt: at(50), version: doc.version + 1 })
      for (const one of [...others, foreign]) expect(await store().get(one.workspaceId, one.id)).toEqual(one)
    })

    it('lets each be reopened by one of many', async () => {
      const workspaceId = newWorkspaceId()
      const docs = Array.from({ length: 10 }, () => delivery({ workspaceId, ...settled }))
      await store().insert(docs)
      const reopened = await race(() => store().reopen(workspaceId, { consumer: 'webhook:whk_1' }, at(50), 10))
      expect(reopened.flat().toSorted()).toEqual(ids(docs).toSorted())
    })

    it('removes all of a lead, in its own workspace', async () => {
      const workspaceId = newWorkspaceId()
      const [mine, other] = [delivery({ workspaceId, leadId: 'lead_a' }), delivery({ workspaceId, leadId: 'lead_b' })]
      await store().insert([mine, other])
      await store().removeForLead(newWorkspaceId(), 'lead_a')
      expect(await store().get(workspaceId, mine.id)).toEqual(mine)
      await store().removeForLead(workspaceId, 'lead_a')
      expect(await store().get(workspaceId, mine.id)).toBeNull()
      expect(await store().get(workspaceId, other.id)).toEqual(other)
    })

    it('prunes settled ones made before a time, as many as asked for', async () => {
      const workspaceId = newWorkspaceId()
      const old = Array.from({ length: 3 }, () => delivery({ workspaceId, ...settled, createdAt: longAgo(1, 9) }))
      const kept = [delivery({ workspaceId, createdAt: longAgo(1, 9) }), delivery({ workspaceId, ...settled, createdAt: longAgo(1, 10) })]
      await store().insert([...old, ...kept])
      expect(await store().prune(longAgo(1, 10), 2)).toBe(2)
      expect(await store().prune(longAgo(1, 10), 2)).toBe(1)
      expect(await store().prune(longAgo(1, 10), 2)).toBe(0)
      expect(await Promise.all(kept.map((doc) => store().get(workspaceId, doc.id)))).toEqual(kept)
      for (const doc of old) expect(await store().get(workspaceId, doc.id)).toBeNull()
    })
  })
}
