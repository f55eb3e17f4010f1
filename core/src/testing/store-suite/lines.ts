import { describe, expect, it } from 'vitest'
import { emptyLedger } from '../../line/ledger.ts'
import { freshPace } from '../../line/pacing.ts'
import { at, id, line, newWorkspaceId, start, webhook } from './fixtures.ts'
import { foreignCommitCase, type Open, outboxCases, race, versionedCases } from './versioned.ts'

export function lineCases(open: Open): void {
  const store = () => open().lines
  const make = (workspaceId: string) => line({ workspaceId, transport: { type: 'smtp', settings: { host: 'h' }, sealed: { pass: 's' } } })
  versionedCases('lines', make, store)
  outboxCases('lines', 102, make, store)

  describe('lines', () => {
    foreignCommitCase(make, store)

    it('list: every line of a workspace or of one channel, oldest first', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [
        line({ workspaceId, createdAt: at(2) }),
        line({ workspaceId, createdAt: at(1), channel: 'sms' }),
        line({ workspaceId, createdAt: at(3), isActive: false }),
      ]
      await Promise.all([...docs, make(newWorkspaceId())].map((doc) => store().insert(doc)))
      expect(await store().list(workspaceId)).toEqual([docs[1], docs[0], docs[2]])
      expect(await store().list(workspaceId, 'sms')).toEqual([docs[1]])
      expect(await store().list(workspaceId, 'email')).toEqual([])
      expect(await store().list(newWorkspaceId())).toEqual([])
    })

    it('byHook: in whatever workspace', async () => {
      const doc = make(newWorkspaceId())
      await store().insert(doc)
      expect(await store().byHook(doc.id)).toEqual(doc)
      expect(await store().byHook('line_none')).toBeNull()
    })

    it('active: lines of all workspaces by id, after one of them, as many as asked for', async () => {
      const before = id('line')
      const docs = Array.from({ length: 4 }, (_, n) => line({ workspaceId: newWorkspaceId(), isActive: n !== 1 }))
      await Promise.all(docs.map((doc) => store().insert(doc)))
      expect((await store().active(before, 100)).filter((one) => docs.some((doc) => doc.id === one.id))).toEqual([docs[0], docs[2], docs[3]])
      expect(await store().active(docs[0]?.id ?? '', 1)).toEqual([docs[2]])
      expect(await store().active(null, 1)).toHaveLength(1)
    })

    it('remove: the line and its ledger, once', async () => {
      const doc = make(newWorkspaceId())
      const { workspaceId } = doc
      await store().insert(doc)
      await store().commitLedger(emptyLedger(workspaceId, doc.id))
      expect(await store().remove(newWorkspaceId(), doc.id)).toBe(false)
      expect((await race(() => store().remove(workspaceId, doc.id))).filter(Boolean)).toHaveLength(1)
      expect(await store().get(workspaceId, doc.id)).toBeNull()
      expect(await store().ledger(workspaceId, doc.id)).toEqual(emptyLedger(workspaceId, doc.id))
      expect(await store().commitLedger({ ...emptyLedger(workspaceId, doc.id), version: 1 })).toBe(false)
    })
  })

  describe('lines: ledger and pace', () => {
    it('ledger: fresh until written, then compare-and-set', async () => {
      const [workspaceId, lineId] = [newWorkspaceId(), id('line')]
      const fresh = await store().ledger(workspaceId, lineId)
      expect(fresh).toEqual(emptyLedger(workspaceId, lineId))
      const held = { msg_1: { day: '2026-11-22', hour: '2026-11-22T09', address: '+1', isNew: true } }
      const filled = {
        ...fresh,
        days: { '2026-11-22': { total: 1, new: 1, checks: 0 } },
        hours: { '2026-11-22T09': 1 },
        held,
        released: { '2026-11-22': ['msg_0'] },
        nextNewAt: start,
      }
      expect((await race(() => store().commitLedger(filled))).filter(Boolean)).toHaveLength(1)
      expect(await store().ledger(workspaceId, lineId)).toEqual({ ...filled, version: 1 })
      expect((await race(() => store().commitLedger({ ...filled, version: 1, nextNewAt: null }))).filter(Boolean)).toHaveLength(1)
      expect(await store().ledger(workspaceId, lineId)).toEqual({ ...filled, version: 2, nextNewAt: null })
      expect(await store().commitLedger(fresh)).toBe(false)
      expect(await store().commitLedger({ ...filled, version: 3 })).toBe(false)
      expect(await store().ledger(newWorkspaceId(), lineId)).toMatchObject({ version: 0 })
    })

    it('ledger: a version that was never there inserts nothing', async () => {
      const ledger = { ...emptyLedger(newWorkspaceId(), id('line')), version: 3 }
      expect(await store().commitLedger(ledger)).toBe(false)
      expect(await store().ledger(ledger.workspaceId, ledger.lineId)).toMatchObject({ version: 0 })
    })

    it('pace: fresh until written, then compare-and-set', async () => {
      const [workspaceId, device] = [newWorkspaceId(), 'ws/device\u0000 1']
      const fresh = await store().pace(workspaceId, device)
      expect(fresh).toEqual(freshPace(workspaceId, device))
      expect((await race((n) => store().commitPace({ ...fresh, nextSendAt: at(n) }))).filter(Boolean)).toHaveLength(1)
      expect(await store().commitPace({ ...fresh, version: 1, nextSendAt: at(1), nextCheckAt: at(2) })).toBe(true)
      expect(await store().pace(workspaceId, device)).toEqual({ ...fresh, version: 2, nextSendAt: at(1), nextCheckAt: at(2) })
      expect(await store().commitPace({ ...fresh, version: 1 })).toBe(false)
      expect(await store().pace(newWorkspaceId(), device)).toMatchObject({ version: 0 })
    })

    it('many reservations at once all get through by trying again, none twice', async () => {
      const [workspaceId, lineId] = [newWorkspaceId(), id('line')]
      await race(async (n) => {
        for (;;) {
          const ledger = await store().ledger(workspaceId, lineId)
          if (await store().commitLedger({ ...ledger, hours: { ...ledger.hours, [`h${n}`]: 1 } })) return
        }
      })
      const end = await store().ledger(workspaceId, lineId)
      expect([Object.keys(end.hours).length, end.version]).toEqual([24, 24])
    })
  })
}

export function webhookCases(open: Open): void {
  const store = () => open().webhooks
  const make = (workspaceId: string) => webhook({ workspaceId })
  versionedCases('webhooks', make, store)
  outboxCases('webhooks', 103, make, store)

  describe('webhooks', () => {
    foreignCommitCase(make, store)

    it('list: every endpoint of the workspace, oldest first', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [webhook({ workspaceId, createdAt: at(2) }), webhook({ workspaceId, createdAt: at(1), isActive: false })]
      await Promise.all([...docs, make(newWorkspaceId())].map((doc) => store().insert(doc)))
      expect((await race(() => store().list(workspaceId))).every((found) => found.length === 2)).toBe(true)
      expect(await store().list(workspaceId)).toEqual([docs[1], docs[0]])
      expect(await store().list(newWorkspaceId())).toEqual([])
    })

    it('remove: once, in its own workspace', async () => {
      const doc = make(newWorkspaceId())
      await store().insert(doc)
      expect(await store().remove(newWorkspaceId(), doc.id)).toBe(false)
      expect((await race(() => store().remove(doc.workspaceId, doc.id))).filter(Boolean)).toHaveLength(1)
      expect(await store().get(doc.workspaceId, doc.id)).toBeNull()
    })
  })
}
