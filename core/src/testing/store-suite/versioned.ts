import { describe, expect, it } from 'vitest'
import type { Aggregate, Outboxes } from '../../event/event.ts'
import type { Stores } from '../../store/stores.ts'
import { at, event, longAgo, newWorkspaceId, start } from './fixtures.ts'

/** The stores under examination, once they are open. */
export type Open = () => Stores

export const racers = 24
export const race = <T>(run: (n: number) => Promise<T>, many = racers): Promise<T[]> => Promise.all(Array.from({ length: many }, (_, n) => run(n)))

interface Versioned {
  readonly id: string
  readonly workspaceId: string
  readonly version: number
}

/** What holds for every document that is changed by compare-and-set. */
export function versionedCases<T extends Versioned>(
  name: string,
  make: (workspaceId: string) => T,
  store: () => { insert(doc: T): Promise<unknown>; get(workspaceId: string, id: string): Promise<T | null>; commit(doc: T): Promise<unknown> },
  won: { inserted: (outcome: unknown) => boolean; committed: (outcome: unknown) => boolean } = {
    inserted: (x) => x === true,
    committed: (x) => x === true,
  },
): void {
  describe(`${name}: insert, get, commit`, () => {
    it('gives back the document that was inserted', async () => {
      const doc = make(newWorkspaceId())
      expect(won.inserted(await store().insert(doc))).toBe(true)
      expect(await store().get(doc.workspaceId, doc.id)).toEqual(doc)
    })

    it('inserts once: the second finds it there and changes nothing', async () => {
      const doc = make(newWorkspaceId())
      await store().insert(doc)
      expect(won.inserted(await store().insert({ ...doc, version: 7 }))).toBe(false)
      expect(await store().get(doc.workspaceId, doc.id)).toEqual(doc)
    })

    it('lets one of many inserts win', async () => {
      const doc = make(newWorkspaceId())
      expect((await race(() => store().insert(doc))).filter(won.inserted)).toHaveLength(1)
    })

    it('reads nothing of another workspace, and nothing that is not there', async () => {
      const doc = make(newWorkspaceId())
      await store().insert(doc)
      expect(await store().get(newWorkspaceId(), doc.id)).toBeNull()
      expect(await store().get(doc.workspaceId, `${doc.id}x`)).toBeNull()
    })

    it('commits on the version that was read, and raises it', async () => {
      const doc = make(newWorkspaceId())
      await store().insert(doc)
      expect(won.committed(await store().commit(doc))).toBe(true)
      expect(await store().get(doc.workspaceId, doc.id)).toEqual({ ...doc, version: doc.version + 1 })
      expect(won.committed(await store().commit(doc))).toBe(false)
      expect(won.committed(await store().commit({ ...doc, version: doc.version + 2 }))).toBe(false)
      expect(won.committed(await store().commit({ ...doc, version: doc.version + 1 }))).toBe(true)
    })

    it('commits nothing that is not there', async () => {
      const doc = make(newWorkspaceId())
      expect(won.committed(await store().commit(doc))).toBe(false)
      expect(await store().get(doc.workspaceId, doc.id)).toBeNull()
    })

    it('lets one of many commits on one version win', async () => {
      const doc = make(newWorkspaceId())
      await store().insert(doc)
      expect((await race(() => store().commit(doc))).filter(won.committed)).toHaveLength(1)
      expect((await store().get(doc.workspaceId, doc.id))?.version).toBe(doc.version + 1)
    })
  })
}

/** No commit reaches into another workspace. Not for workspaces themselves, whose id is their scope. */
export function foreignCommitCase<T extends Versioned>(
  make: (workspaceId: string) => T,
  store: () => { insert(doc: T): Promise<unknown>; get(workspaceId: string, id: string): Promise<T | null>; commit(doc: T): Promise<unknown> },
): void {
  it('commits nothing of another workspace', async () => {
    const doc = make(newWorkspaceId())
    await store().insert(doc)
    await store().commit({ ...doc, workspaceId: newWorkspaceId() })
    expect(await store().get(doc.workspaceId, doc.id)).toEqual(doc)
  })
}

/** What holds for every aggregate: its events leave with it, and are taken off without a new version. `era`: a day of its own, long ago. */
export function outboxCases<T extends Aggregate & { createdAt: Date; updatedAt: Date }>(
  name: string,
  era: number,
  make: (workspaceId: string) => T,
  store: () => Outboxes & {
    insert(doc: T): Promise<unknown>
    get(workspaceId: string, id: string): Promise<T | null>
    commit(doc: T): Promise<unknown>
  },
): void {
  describe(`${name}: outbox`, () => {
    const announcing = (updatedAt: Date): T => ({ ...make(newWorkspaceId()), seq: 2, outbox: [event(), event({ seq: 2, at: at(5) })], updatedAt })

    it('keeps events with the document, and takes them off without a new version', async () => {
      const doc = announcing(start)
      await store().insert(doc)
      expect(await store().get(doc.workspaceId, doc.id)).toEqual(doc)
      await store().relayed(doc)
      expect(await store().get(doc.workspaceId, doc.id)).toEqual({ ...doc, outbox: [] })
    })

    it('leaves the events of a document that was changed meanwhile', async () => {
      const doc = announcing(start)
      await store().insert(doc)
      await store().commit({ ...doc, outbox: [...doc.outbox, event({ seq: 3 })], seq: 3 })
      await store().relayed(doc)
      expect((await store().get(doc.workspaceId, doc.id))?.outbox.map((one) => one.seq)).toEqual([1, 2, 3])
    })

    it('finds what was last written before a time and still has events, oldest first, as many as asked for', async () => {
      const docs = [longAgo(era, 30), longAgo(era, 10), longAgo(era, 20), longAgo(era, 40)].map(announcing)
      for (const doc of docs) await store().insert(doc)
      const [third, first, second, last] = docs as [T, T, T, T]
      const quiet = { ...make(newWorkspaceId()), updatedAt: longAgo(era, 5) }
      await store().insert(quiet)
      const among = async (ms: number, limit: number) => {
        const found = await store().unrelayed(longAgo(era, ms), limit)
        return found.filter((one) => [...docs, quiet].some((doc) => doc.workspaceId === one.workspaceId)).map((one) => one.id)
      }
      expect(await among(40, 100)).toEqual([first.id, second.id, third.id])
      expect(await among(41, 100)).toEqual([first.id, second.id, third.id, last.id])
      expect(await among(40, 2)).toEqual([first.id, second.id])
      await store().relayed(first)
      expect(await among(40, 2)).toEqual([second.id, third.id])
      for (const doc of docs) await store().relayed(doc)
      expect(await among(100, 100)).toEqual([])
    })
  })
}
