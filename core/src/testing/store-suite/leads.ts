import { describe, expect, it } from 'vitest'
import type { Lead } from '../../lead/lead.ts'
import type { LeadFilter } from '../../lead/store.ts'
import { at, id, lead, list, newWorkspaceId, start } from './fixtures.ts'
import { foreignCommitCase, type Open, outboxCases, race, versionedCases } from './versioned.ts'

const isOk = (outcome: unknown): boolean => typeof outcome === 'object' && outcome !== null && 'ok' in outcome && outcome.ok === true
const phone = (): string => `+1${id('lead')}`

const full = (workspaceId: string): Lead =>
  lead({
    workspaceId,
    phone: phone(),
    altEmail1: `${id('lead')}@example.test`,
    customFields: { since: '2020-01-01T00:00:00.000Z', nested: { a: [1] } },
    tags: ['a', 'b'],
    consent: { sms: { granted: true, source: 'form', at: at(1) }, email: { granted: false, source: null, at: null } },
    optedOut: { all: true },
    externalId: 'crm-1',
    availabilityCheckedAt: at(2),
    lastContactedAt: at(3),
    lastRepliedAt: at(4),
    updatedAt: at(5),
  })

export function leadCases(open: Open): void {
  const store = () => open().leads
  versionedCases('leads', full, store, { inserted: isOk, committed: isOk })
  outboxCases('leads', 101, (workspaceId) => lead({ workspaceId, phone: phone() }), store)

  describe('leads: addresses', () => {
    foreignCommitCase((workspaceId) => lead({ workspaceId, phone: phone() }), store)

    it('says which lead each address belongs to, in its own workspace only', async () => {
      const workspaceId = newWorkspaceId()
      const odd = 'a\u0000@example.test'
      const doc = lead({ workspaceId, phone: '+1', altPhone2: '+2', email: odd })
      await store().insert(doc)
      const owners = [
        ['+1', doc.id],
        ['+2', doc.id],
        [odd, doc.id],
      ] as const
      expect(await store().byAddresses(workspaceId, ['+1', '+2', '+3', odd, '+1'])).toEqual(new Map(owners))
      expect(await store().byAddresses(workspaceId, [])).toEqual(new Map())
      expect(await store().byAddresses(newWorkspaceId(), ['+1'])).toEqual(new Map())
    })

    it('inserts nothing when an address is taken, and names whose it is', async () => {
      const workspaceId = newWorkspaceId()
      const owner = lead({ workspaceId, phone: '+1', email: 'a@b.c' })
      await store().insert(owner)
      const late = lead({ workspaceId, altPhone1: '+1', phone: '+2', altEmail3: 'a@b.c' })
      const outcome = await store().insert(late)
      expect(outcome).toEqual({
        ok: false,
        taken: expect.arrayContaining([
          { address: '+1', leadId: owner.id },
          { address: 'a@b.c', leadId: owner.id },
        ]),
      })
      expect(await store().get(workspaceId, late.id)).toBeNull()
      expect(await store().byAddresses(workspaceId, ['+1', '+2'])).toEqual(new Map([['+1', owner.id]]))
    })

    it('takes no address for an id that is there already', async () => {
      const workspaceId = newWorkspaceId()
      const owner = lead({ workspaceId, phone: '+1' })
      await store().insert(owner)
      expect(await store().insert({ ...owner, phone: '+2' })).toEqual({ ok: false, taken: [] })
      expect(await store().byAddresses(workspaceId, ['+1', '+2'])).toEqual(new Map([['+1', owner.id]]))
    })

    it('lets an address be used in every workspace', async () => {
      const outcomes = await race((n) => store().insert(lead({ workspaceId: `${newWorkspaceId()}${n}`, phone: '+1' })))
      expect(outcomes.every(isOk)).toBe(true)
    })

    it('lets one of many leads that want an address have it, whatever else they want', async () => {
      const workspaceId = newWorkspaceId()
      const docs = Array.from({ length: 24 }, (_, n) => lead({ workspaceId, phone: '+1', email: `${n}@x.test`, altPhone1: `+9${n % 5}` }))
      const outcomes = await Promise.all(docs.map((doc) => store().insert(doc)))
      const winners = docs.filter((_, n) => isOk(outcomes[n]))
      expect(winners).toHaveLength(1)
      expect(outcomes.filter((one) => !one.ok).every((one) => 'taken' in one && one.taken.some(({ leadId }) => leadId === winners[0]?.id))).toBe(true)
      const owners = await store().byAddresses(
        workspaceId,
        docs.flatMap((doc) => [doc.email ?? '', doc.altPhone1 ?? '']),
      )
      expect(new Set(owners.values())).toEqual(new Set([winners[0]?.id]))
      expect(owners.size).toBe(2)
    })

    it('lets addresses follow the document, and gives free what it no longer has', async () => {
      const workspaceId = newWorkspaceId()
      const doc = lead({ workspaceId, phone: '+1', email: 'a@b.c' })
      await store().insert(doc)
      expect(await store().commit({ ...doc, phone: '+2' })).toEqual({ ok: true })
      expect(await store().byAddresses(workspaceId, ['+1', '+2', 'a@b.c'])).toEqual(
        new Map([
          ['+2', doc.id],
          ['a@b.c', doc.id],
        ]),
      )
      expect(await store().insert(lead({ workspaceId, phone: '+1' }))).toEqual({ ok: true })
    })

    it('commits nothing when an address is another lead’s', async () => {
      const workspaceId = newWorkspaceId()
      const owner = lead({ workspaceId, phone: '+1' })
      const doc = lead({ workspaceId, phone: '+2', email: 'a@b.c' })
      await Promise.all([store().insert(owner), store().insert(doc)])
      const outcome = await store().commit({ ...doc, phone: '+1', email: 'new@b.c' })
      expect(outcome).toEqual({ ok: false, why: 'taken', taken: [{ address: '+1', leadId: owner.id }] })
      expect(await store().get(workspaceId, doc.id)).toEqual(doc)
      expect(await store().byAddresses(workspaceId, ['+1', '+2', 'a@b.c', 'new@b.c'])).toEqual(
        new Map([
          ['+1', owner.id],
          ['+2', doc.id],
          ['a@b.c', doc.id],
        ]),
      )
    })

    it('says conflict, and moves no address, on another version', async () => {
      const workspaceId = newWorkspaceId()
      const doc = lead({ workspaceId, phone: '+1' })
      await store().insert(doc)
      expect(await store().commit({ ...doc, version: 5, phone: '+2' })).toEqual({ ok: false, why: 'conflict' })
      expect(await store().byAddresses(workspaceId, ['+1', '+2'])).toEqual(new Map([['+1', doc.id]]))
    })

    it('lets one of many commits that want an address have it, and spares the others', async () => {
      const workspaceId = newWorkspaceId()
      const docs = Array.from({ length: 24 }, (_, n) => lead({ workspaceId, phone: `+7${n}` }))
      const bystander = lead({ workspaceId, phone: '+8' })
      await Promise.all([...docs, bystander].map((doc) => store().insert(doc)))
      const [side, ...outcomes] = await Promise.all([
        store().commit({ ...bystander, firstName: 'Bo' }),
        ...docs.map((doc) => store().commit({ ...doc, altPhone1: '+1' })),
      ])
      expect(side).toEqual({ ok: true })
      expect(outcomes.filter(isOk)).toHaveLength(1)
      expect(outcomes.filter((one) => !one.ok && one.why === 'taken')).toHaveLength(23)
      const owners = await store().byAddresses(
        workspaceId,
        docs.map((doc) => doc.phone ?? ''),
      )
      expect(owners.size).toBe(24)
    })

    it('inserts 500 at once', async () => {
      const workspaceId = newWorkspaceId()
      const docs = Array.from({ length: 500 }, () => lead({ workspaceId, phone: phone(), email: phone() }))
      expect((await Promise.all(docs.map((doc) => store().insert(doc)))).every(isOk)).toBe(true)
      expect((await Promise.all(docs.map((doc) => store().commit({ ...doc, email: null })))).every(isOk)).toBe(true)
      expect(
        (
          await store().byAddresses(
            workspaceId,
            docs.flatMap((doc) => [doc.phone ?? '', doc.email ?? '']),
          )
        ).size,
      ).toBe(500)
    })
  })

  describe('leads: reading and removing', () => {
    it('getMany: those that are there, each once, of one workspace', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [lead({ workspaceId, phone: '+1' }), lead({ workspaceId, phone: '+2' })]
      const foreign = lead({ workspaceId: newWorkspaceId(), phone: '+1' })
      await Promise.all([...docs, foreign].map((doc) => store().insert(doc)))
      const wanted = [...docs, ...docs, foreign].map((doc) => doc.id)
      const found = await store().getMany(workspaceId, [...wanted, 'lead_none'])
      expect(found.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(docs)
      expect(await store().getMany(workspaceId, [])).toEqual([])
    })

    const filters: LeadFilter[] = [
      { address: '+1' },
      { externalId: 'crm' },
      { listId: 'list_a' },
      { address: '+1', externalId: 'crm', listId: 'list_a' },
    ]
    it.each(filters)('find keeps to %j', async (filter) => {
      const workspaceId = newWorkspaceId()
      const own = list({ workspaceId, id: 'list_a' })
      const doc = lead({ workspaceId, altPhone3: '+1', externalId: 'crm' })
      const others = [
        lead({ workspaceId, phone: '+2', externalId: 'other' }),
        lead({ workspaceId: newWorkspaceId(), phone: '+1', externalId: 'crm' }),
      ]
      await Promise.all([store().insertList(own), ...[doc, ...others].map((one) => store().insert(one))])
      await store().addToList(workspaceId, own.id, [doc.id])
      expect((await store().find(workspaceId, filter, { limit: 5 })).leads).toEqual([doc])
    })

    it('find pages newest first to the end, and refuses a foreign cursor', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [0, 7, 7, 3].map((ms) => lead({ workspaceId, phone: phone(), createdAt: at(ms) }))
      await Promise.all(docs.map((doc) => store().insert(doc)))
      const first = await store().find(workspaceId, {}, { limit: 2 })
      const second = await store().find(workspaceId, {}, { limit: 2, cursor: first.nextCursor ?? '' })
      expect([...first.leads, ...second.leads].map((doc) => doc.id)).toEqual([docs[2]?.id, docs[1]?.id, docs[3]?.id, docs[0]?.id])
      expect(second.nextCursor).toBeNull()
      await expect(store().find(workspaceId, {}, { limit: 2, cursor: 'x' })).rejects.toMatchObject({ code: 'VALIDATION' })
    })

    it('find pages through a list newest first, to the end', async () => {
      const workspaceId = newWorkspaceId()
      const own = list({ workspaceId })
      const docs = [0, 7, 7, 3].map((ms) => lead({ workspaceId, phone: phone(), createdAt: at(ms) }))
      await Promise.all([store().insertList(own), ...docs.map((doc) => store().insert(doc))])
      await store().addToList(
        workspaceId,
        own.id,
        docs.slice(1).map((doc) => doc.id),
      )
      const first = await store().find(workspaceId, { listId: own.id }, { limit: 2 })
      const second = await store().find(workspaceId, { listId: own.id }, { limit: 2, cursor: first.nextCursor ?? '' })
      expect([first.leads, second.leads]).toEqual([[docs[2], docs[1]], [docs[3]]])
      expect(second.nextCursor).toBeNull()
    })

    it('remove: the lead, its addresses and its places in lists, once', async () => {
      const workspaceId = newWorkspaceId()
      const doc = lead({ workspaceId, phone: '+1' })
      const own = list({ workspaceId })
      await Promise.all([store().insert(doc), store().insertList(own)])
      await store().addToList(workspaceId, own.id, [doc.id])
      expect(await store().remove(newWorkspaceId(), doc.id)).toBe(false)
      expect((await race(() => store().remove(workspaceId, doc.id))).filter(Boolean)).toHaveLength(1)
      expect(await store().get(workspaceId, doc.id)).toBeNull()
      expect(await store().byAddresses(workspaceId, ['+1'])).toEqual(new Map())
      expect(await store().leadIdsOf(workspaceId, own.id, null, 5)).toEqual([])
      expect(await store().insert(lead({ workspaceId, phone: '+1' }))).toEqual({ ok: true })
    })
  })

  describe('leads: lists', () => {
    it('insertList and getList: once per id and per name, in its own workspace', async () => {
      const own = list({ workspaceId: newWorkspaceId(), name: 'VIP\u0000', description: 'dear', createdAt: start })
      expect((await race(() => store().insertList(own))).filter(Boolean)).toHaveLength(1)
      expect(await store().insertList({ ...own, id: id('list') })).toBe(false)
      expect(await store().insertList({ ...own, name: 'Other' })).toBe(false)
      expect(await store().getList(own.workspaceId, own.id)).toEqual(own)
      expect(await store().getList(newWorkspaceId(), own.id)).toBeNull()
      expect(await store().insertList({ ...own, id: id('list'), workspaceId: newWorkspaceId() })).toBe(true)
    })

    it('listNamed: many at once get the same one, and so does who comes later', async () => {
      const workspaceId = newWorkspaceId()
      const got = await race(() => store().listNamed(list({ workspaceId })))
      expect(new Set(got.map((one) => one.id)).size).toBe(1)
      expect(await store().listNamed(list({ workspaceId }))).toEqual(got[0])
      expect((await store().listNamed(list({ workspaceId, name: 'Other' }))).id).not.toBe(got[0]?.id)
      expect((await store().listNamed(list({ workspaceId: newWorkspaceId() }))).id).not.toBe(got[0]?.id)
    })

    it('addToList: counts what is new, once; lists shows it; what is no lead here has no place', async () => {
      const workspaceId = newWorkspaceId()
      const [one, other] = [list({ workspaceId, createdAt: at(1) }), list({ workspaceId, name: 'Other', createdAt: at(2) })]
      const docs = [lead({ workspaceId, phone: '+1' }), lead({ workspaceId, phone: '+2' }), lead({ workspaceId, phone: '+3' })]
      const foreign = lead({ workspaceId: newWorkspaceId(), phone: '+1' })
      await Promise.all([store().insertList(one), store().insertList(other), ...[...docs, foreign].map((doc) => store().insert(doc))])
      const ids = docs.map((doc) => doc.id)
      const added = await race(() => store().addToList(workspaceId, one.id, [...ids, ...ids, foreign.id, 'lead_none']))
      expect(added.reduce((sum, n) => sum + n, 0)).toBe(3)
      expect(await store().addToList(workspaceId, one.id, [])).toBe(0)
      expect(await store().addToList(foreign.workspaceId, one.id, [foreign.id])).toBe(0)
      expect(await store().lists(workspaceId)).toEqual([
        { ...one, leadCount: 3 },
        { ...other, leadCount: 0 },
      ])
      expect(await store().lists(newWorkspaceId())).toEqual([])
      expect(await store().leadIdsOf(workspaceId, one.id, null, 2)).toEqual(ids.slice(0, 2))
      expect(await store().leadIdsOf(workspaceId, one.id, ids[1] ?? '', 2)).toEqual(ids.slice(2))
      expect(await store().leadIdsOf(newWorkspaceId(), one.id, null, 2)).toEqual([])
    })

    it('removeList: the list and its places, not its leads', async () => {
      const workspaceId = newWorkspaceId()
      const [own, doc] = [list({ workspaceId }), lead({ workspaceId, phone: '+1' })]
      await Promise.all([store().insertList(own), store().insert(doc)])
      await store().addToList(workspaceId, own.id, [doc.id])
      expect(await store().removeList(newWorkspaceId(), own.id)).toBe(false)
      expect((await race(() => store().removeList(workspaceId, own.id))).filter(Boolean)).toHaveLength(1)
      expect(await store().getList(workspaceId, own.id)).toBeNull()
      expect(await store().leadIdsOf(workspaceId, own.id, null, 5)).toEqual([])
      expect(await store().get(workspaceId, doc.id)).toEqual(doc)
    })
  })
}
