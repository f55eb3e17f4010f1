import { describe, expect, it } from 'vitest'
import type { DncEntry } from '../../lead/store.ts'
import { answer, at, dnc, longAgo, newWorkspaceId, start } from './fixtures.ts'
import { type Open, race } from './versioned.ts'

const byId = (entries: readonly DncEntry[]): DncEntry[] => entries.toSorted((a, b) => (a.id < b.id ? -1 : 1))

export function dncCases(open: Open): void {
  const store = () => open().dnc

  describe('do-not-contact', () => {
    it('keeps one entry of many that say the same, and gives that one to all', async () => {
      const workspaceId = newWorkspaceId()
      const got = await race(() => store().add(dnc({ workspaceId, phone: '+1', addressHash: 'h', channels: ['sms', 'email'] })))
      expect(new Set(got.map((entry) => entry.id)).size).toBe(1)
      const [first] = got as [DncEntry]
      expect(await store().add(dnc({ workspaceId, phone: '+1', addressHash: 'h', channels: ['email', 'sms'], reason: 'again' }))).toEqual(first)
      expect(await store().get(workspaceId, first.id)).toEqual(first)
      expect(await store().get(newWorkspaceId(), first.id)).toBeNull()
    })

    it.each([{ addressHash: 'other' }, { channels: null }, { source: 'keyword' }, { addressHash: null, leadId: 'lead_a' }] as const)(
      'tells apart what differs by %j',
      async (over) => {
        const entry = dnc({ workspaceId: newWorkspaceId(), phone: '+1', addressHash: 'h', channels: ['sms'] })
        await store().add(entry)
        const other = dnc({ ...entry, id: dnc(entry).id, ...over, ...('leadId' in over ? { phone: null } : {}) })
        const second = { ...other, id: `${entry.id}2` }
        expect(await store().add(second)).toEqual(second)
        const foreign = { ...entry, id: `${entry.id}3`, workspaceId: newWorkspaceId() }
        expect(await store().add(foreign)).toEqual(foreign)
      },
    )

    it('matching: by any hash or by the lead, each once, in its own workspace', async () => {
      const workspaceId = newWorkspaceId()
      const hashed = dnc({ workspaceId, email: 'a@b.c', addressHash: 'h1' })
      const both = dnc({ workspaceId, addressHash: 'h2', leadId: 'lead_a' })
      const byLead = dnc({ workspaceId, leadId: 'lead_a', source: 'keyword' })
      const other = dnc({ workspaceId, addressHash: 'h3', leadId: 'lead_b' })
      for (const entry of [hashed, both, byLead, other]) await store().add(entry)
      expect(byId(await store().matching(workspaceId, { addressHashes: ['h1', 'h2', 'h2', 'h9'], leadId: 'lead_a' }))).toEqual([hashed, both, byLead])
      expect(await store().matching(workspaceId, { addressHashes: ['h1'], leadId: null })).toEqual([hashed])
      expect(byId(await store().matching(workspaceId, { addressHashes: [], leadId: 'lead_a' }))).toEqual([both, byLead])
      expect(await store().matching(workspaceId, { addressHashes: [], leadId: null })).toEqual([])
      expect(await store().matching(newWorkspaceId(), { addressHashes: ['h1'], leadId: 'lead_a' })).toEqual([])
    })

    it('find pages newest first to the end, and refuses a foreign cursor', async () => {
      const workspaceId = newWorkspaceId()
      const entries = [1, 2, 2].map((ms, n) => dnc({ workspaceId, addressHash: `h${n}`, createdAt: at(ms) }))
      for (const entry of entries) await store().add(entry)
      const first = await store().find(workspaceId, { limit: 2 })
      expect(first.entries).toEqual([entries[2], entries[1]])
      expect(await store().find(workspaceId, { limit: 2, cursor: first.nextCursor ?? '' })).toEqual({ entries: [entries[0]], nextCursor: null })
      expect((await store().find(newWorkspaceId(), { limit: 2 })).entries).toEqual([])
      await expect(store().find(workspaceId, { limit: 2, cursor: 'x' })).rejects.toMatchObject({ code: 'VALIDATION' })
    })

    it('remove: once, in its own workspace; then it may be added again', async () => {
      const entry = dnc({ workspaceId: newWorkspaceId(), addressHash: 'h' })
      await store().add(entry)
      expect(await store().remove(newWorkspaceId(), entry.id)).toBe(false)
      expect((await race(() => store().remove(entry.workspaceId, entry.id))).filter(Boolean)).toHaveLength(1)
      const again = { ...entry, id: `${entry.id}2` }
      expect(await store().add(again)).toEqual(again)
    })

    it('blank: addresses in clear and entries by lead go, hashes stay and still match', async () => {
      const workspaceId = newWorkspaceId()
      const hashed = dnc({ workspaceId, phone: '+1', addressHash: 'h1' })
      const mail = dnc({ workspaceId, email: 'a@b.c', addressHash: 'h2', leadId: 'lead_a' })
      const byLead = dnc({ workspaceId, leadId: 'lead_a', source: 'keyword' })
      const other = dnc({ workspaceId, phone: '+3', addressHash: 'h3' })
      const foreign = dnc({ workspaceId: newWorkspaceId(), phone: '+1', addressHash: 'h1' })
      for (const entry of [hashed, mail, byLead, other, foreign]) await store().add(entry)
      await store().blank(workspaceId, { addressHashes: ['h1', 'h2'], leadId: 'lead_a' })
      expect(await store().get(workspaceId, byLead.id)).toBeNull()
      expect(byId(await store().matching(workspaceId, { addressHashes: ['h1', 'h2', 'h3'], leadId: 'lead_a' }))).toEqual([
        { ...hashed, phone: null },
        { ...mail, email: null, leadId: null },
        other,
      ])
      expect(await store().get(foreign.workspaceId, foreign.id)).toEqual(foreign)
    })
  })
}

export function availabilityCases(open: Open): void {
  const store = () => open().availability

  describe('availability', () => {
    it('gives the answers that are there, fresh or not, each once, of one workspace', async () => {
      const workspaceId = newWorkspaceId()
      const [one, two] = [answer({ address: '+1' }), answer({ address: 'a\u0000@b.c', available: false })]
      await Promise.all([store().put(workspaceId, one), store().put(workspaceId, two)])
      const found = await store().get(workspaceId, ['+1', two.address, '+3', '+1'])
      expect(found.toSorted((a, b) => (a.address < b.address ? -1 : 1))).toEqual([one, two])
      expect(await store().get(workspaceId, [])).toEqual([])
      expect(await store().get(newWorkspaceId(), ['+1'])).toEqual([])
    })

    it('keeps the newest of many, in whatever order they come', async () => {
      const workspaceId = newWorkspaceId()
      const newest = answer({ address: '+1', available: false, checkedAt: at(23) })
      await race((n) => store().put(workspaceId, n === 5 ? newest : answer({ address: '+1', checkedAt: at(n === 23 ? 5 : n - 1) })))
      expect(await store().get(workspaceId, ['+1'])).toEqual([newest])
      await store().put(workspaceId, answer({ address: '+1', checkedAt: start }))
      expect(await store().get(workspaceId, ['+1'])).toEqual([newest])
    })

    it('removes what is named, of one workspace', async () => {
      const [workspaceId, other] = [newWorkspaceId(), newWorkspaceId()]
      for (const address of ['+1', '+2']) await Promise.all([store().put(workspaceId, answer({ address })), store().put(other, answer({ address }))])
      await store().remove(workspaceId, ['+1', '+9'])
      await store().remove(workspaceId, [])
      expect((await store().get(workspaceId, ['+1', '+2'])).map((one) => one.address)).toEqual(['+2'])
      expect(await store().get(other, ['+1', '+2'])).toHaveLength(2)
    })

    it('prunes what expired before a time', async () => {
      const workspaceId = newWorkspaceId()
      const [old, edge] = [answer({ address: '+1', expiresAt: longAgo(1, 9) }), answer({ address: '+2', expiresAt: longAgo(1, 10) })]
      await Promise.all([store().put(workspaceId, old), store().put(workspaceId, edge)])
      await store().prune(longAgo(1, 10))
      expect(await store().get(workspaceId, ['+1', '+2'])).toEqual([edge])
    })
  })
}
