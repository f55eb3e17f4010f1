import { describe, expect, it } from 'vitest'
import type { Claim } from '../../workspace/store.ts'
import { apiKey, at, audit, id, job, longAgo, newWorkspaceId, start, workspace } from './fixtures.ts'
import { foreignCommitCase, type Open, outboxCases, race, versionedCases } from './versioned.ts'

export function workspaceCases(open: Open): void {
  const store = () => open().workspaces
  const scoped = () => ({
    ...store(),
    get: (workspaceId: string, docId: string) => (workspaceId === docId ? store().get(docId) : Promise.resolve(null)),
  })
  const make = (workspaceId: string) =>
    workspace({
      id: workspaceId,
      workspaceId,
      readOnly: { reason: 'unpaid' },
      plugins: { twilio: { enabled: true, settings: { a: 1 }, sealed: {} } },
    })
  versionedCases('workspaces', make, scoped, { inserted: (x) => x === true, committed: (x) => x === 'ok' })
  outboxCases('workspaces', 104, make, scoped)

  describe('workspaces', () => {
    it('has each externalId once: inserts say false, commits say taken', async () => {
      const externalId = id('ws')
      const docs = Array.from({ length: 12 }, () => workspace({ externalId }))
      expect((await Promise.all(docs.map((doc) => store().insert(doc)))).filter(Boolean)).toHaveLength(1)
      const owner = await store().byExternalId(externalId)
      expect(docs).toContainEqual(owner)
      const others = Array.from({ length: 12 }, () => workspace())
      await Promise.all(others.map((doc) => store().insert(doc)))
      const outcomes = await Promise.all(others.map((doc, n) => store().commit({ ...doc, ...(n === 3 ? { name: 'Fine' } : { externalId }) })))
      expect(outcomes.map((one, n) => (n === 3 ? one === 'ok' : one === 'taken')).every(Boolean)).toBe(true)
      expect(await store().get(others[0]?.id ?? '')).toEqual(others[0])
    })

    it('lets one of many commits that want an externalId have it', async () => {
      const externalId = id('ws')
      const docs = Array.from({ length: 12 }, () => workspace())
      await Promise.all(docs.map((doc) => store().insert(doc)))
      const outcomes = await Promise.all(docs.map((doc) => store().commit({ ...doc, externalId })))
      expect(outcomes.toSorted()).toEqual(['ok', ...Array.from({ length: 11 }, () => 'taken')])
    })

    it('finds nothing for an externalId that nobody has', async () => {
      expect(await store().byExternalId('org_none\u0000')).toBeNull()
    })

    it('lists page by page, each once, to the end, and refuses a foreign cursor', async () => {
      const docs = Array.from({ length: 5 }, (_, n) => workspace({ createdAt: at(n) }))
      await Promise.all(docs.map((doc) => store().insert(doc)))
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await store().list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) })
        seen.push(...page.workspaces.map((doc) => doc.id))
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      expect(new Set(seen).size).toBe(seen.length)
      expect(docs.every((doc) => seen.includes(doc.id))).toBe(true)
      await expect(store().list({ limit: 2, cursor: 'x' })).rejects.toMatchObject({ code: 'VALIDATION' })
    })
  })
}

export function keyCases(open: Open): void {
  const store = () => open().keys

  describe('API keys', () => {
    it('inserts once, finds by hash, and by id in its own workspace only', async () => {
      const key = apiKey({ workspaceId: newWorkspaceId(), expiresAt: at(9) })
      expect((await race(() => store().insert(key))).filter(Boolean)).toHaveLength(1)
      expect(await store().insert({ ...key, id: id('key') })).toBe(false)
      expect(await race(() => store().byHash(key.hash))).toEqual(Array.from({ length: 24 }, () => key))
      expect(await store().byHash('none')).toBeNull()
      expect(await store().get(key.workspaceId, key.id)).toEqual(key)
      expect(await store().get(newWorkspaceId(), key.id)).toBeNull()
    })

    it('lists those of a workspace, oldest first', async () => {
      const workspaceId = newWorkspaceId()
      const keys = [apiKey({ workspaceId, createdAt: at(2) }), apiKey({ workspaceId, createdAt: at(1) })]
      for (const key of [...keys, apiKey({ workspaceId: newWorkspaceId() })]) await store().insert(key)
      expect(await store().list(workspaceId)).toEqual([keys[1], keys[0]])
    })

    it('ends: sets what is given, leaves the rest, in its own workspace, seen by hash at once', async () => {
      const key = apiKey({ workspaceId: newWorkspaceId() })
      await store().insert(key)
      expect(await store().end(newWorkspaceId(), key.id, { revokedAt: start })).toBe(false)
      expect(await store().end(key.workspaceId, 'key_none', { revokedAt: start })).toBe(false)
      expect(await store().end(key.workspaceId, key.id, { expiresAt: at(5) })).toBe(true)
      expect(await store().byHash(key.hash)).toEqual({ ...key, expiresAt: at(5) })
      const ends = await race((n) => store().end(key.workspaceId, key.id, n % 2 === 0 ? { revokedAt: at(7) } : { expiresAt: at(6) }))
      expect(ends.every(Boolean)).toBe(true)
      expect(await store().byHash(key.hash)).toEqual({ ...key, expiresAt: at(6), revokedAt: at(7) })
    })
  })
}

export function auditCases(open: Open): void {
  const store = () => open().audit

  describe('audit', () => {
    it('keeps what is recorded, newest first, page by page, of one workspace', async () => {
      const workspaceId = newWorkspaceId()
      const entries = [1, 2, 2].map((ms) => audit({ workspaceId, at: at(ms), data: { note: 'a\u0000' } }))
      await Promise.all([...entries, audit({ workspaceId: newWorkspaceId() })].map((entry) => store().record(entry)))
      const first = await store().find(workspaceId, { limit: 2 })
      expect(first.entries).toEqual([entries[2], entries[1]])
      expect(await store().find(workspaceId, { limit: 2, cursor: first.nextCursor ?? '' })).toEqual({ entries: [entries[0]], nextCursor: null })
      await expect(store().find(workspaceId, { limit: 2, cursor: 'x' })).rejects.toMatchObject({ code: 'VALIDATION' })
    })
  })
}

export function jobCases(open: Open): void {
  const store = () => open().jobs
  const make = (workspaceId: string) => job({ workspaceId, dueAt: start })
  versionedCases('jobs', make, store)

  describe('jobs', () => {
    foreignCommitCase(make, store)

    it('due: not after the time, soonest first, as many as asked for', async () => {
      const workspaceId = newWorkspaceId()
      const docs = [30, 10, 20, 31].map((ms) => job({ workspaceId, dueAt: longAgo(1, ms) }))
      await Promise.all([...docs, job({ workspaceId })].map((doc) => store().insert(doc)))
      const [third, first, second] = docs as [(typeof docs)[0], (typeof docs)[0], (typeof docs)[0]]
      const of = (doc: (typeof docs)[0]) => ({ workspaceId, id: doc.id, dueAt: doc.dueAt })
      expect(await store().due(longAgo(1, 30), 9)).toEqual([first, second, third].map(of))
      expect(await store().due(longAgo(1, 30), 2)).toEqual([first, second].map(of))
      await store().commit({ ...first, dueAt: null, status: 'done' })
      expect(await store().due(longAgo(1, 30), 9)).toEqual([second, third].map(of))
    })
  })
}

export function idempotencyCases(open: Open): void {
  const store = () => open().idempotency
  type Request = Parameters<ReturnType<typeof store>['claim']>[0]
  const request = (over: Partial<Request> = {}): Request => ({
    workspaceId: newWorkspaceId(),
    key: 'k\u0000 1',
    bodyHash: 'body',
    resourceId: id('msg'),
    now: at(1_000),
    staleBefore: at(0),
    expiresAt: at(100_000),
    ...over,
  })
  const answer = { status: 201, body: '{"text":"a\u0000 \u{1F600}"}' }

  describe('idempotency', () => {
    it('is claimed by exactly one of many; the others see it running', async () => {
      const one = request()
      const claims = await race(() => store().claim({ ...one, resourceId: id('msg') }))
      expect(claims.filter((claim) => claim.type === 'claimed')).toHaveLength(1)
      expect(claims.filter((claim) => claim.type === 'running')).toHaveLength(23)
    })

    it('gives the stored answer to the same request, mismatch to another body, and knows no key of another workspace', async () => {
      const one = request()
      expect(await store().claim(one)).toEqual({ type: 'claimed', resourceId: one.resourceId })
      expect(await store().claim({ ...one, bodyHash: 'other' })).toEqual({ type: 'mismatch' })
      await store().finish(one.workspaceId, one.key, answer)
      expect(await race(() => store().claim(one))).toEqual(Array.from({ length: 24 }, (): Claim => ({ type: 'done', answer })))
      expect(await store().claim({ ...one, bodyHash: 'other' })).toEqual({ type: 'mismatch' })
      expect(await store().claim({ ...one, now: at(90_000), staleBefore: at(80_000) })).toEqual({ type: 'done', answer })
      expect(await store().claim(request())).toMatchObject({ type: 'claimed' })
    })

    it('blank: every answer that holds the id is replaced, in its own workspace; the key stays used', async () => {
      const told = request()
      const quiet = { ...told, key: 'another', resourceId: id('msg') }
      for (const one of [told, quiet]) await store().claim(one)
      await store().finish(told.workspaceId, told.key, { status: 201, body: '{"leadId":"lead_7"}' })
      await store().finish(quiet.workspaceId, quiet.key, answer)
      const gone = { status: 410, body: '{}' }
      await store().blank('ws_elsewhere', 'lead_7', gone)
      expect(await store().claim(told)).toMatchObject({ type: 'done', answer: { status: 201 } })
      await store().blank(told.workspaceId, 'lead_7', gone)
      expect(await store().claim(told)).toEqual({ type: 'done', answer: gone })
      expect(await store().claim(quiet)).toEqual({ type: 'done', answer })
    })

    it('is taken over by one of many when its process died, with the resource of the first', async () => {
      const one = request()
      await store().claim(one)
      const edge = { ...one, resourceId: 'msg_later', now: at(2_000), staleBefore: at(1_000) }
      expect(await store().claim(edge)).toEqual({ type: 'running' })
      expect(await store().claim({ ...edge, staleBefore: at(1_001), bodyHash: 'other' })).toEqual({ type: 'mismatch' })
      const claims = await race(() => store().claim({ ...edge, staleBefore: at(1_001) }))
      expect(claims.filter((claim) => claim.type === 'claimed')).toEqual([{ type: 'claimed', resourceId: one.resourceId }])
      expect(claims.filter((claim) => claim.type === 'running')).toHaveLength(23)
    })

    it('counts as new when it is expired, whatever its body was', async () => {
      const one = request()
      await store().claim(one)
      await store().finish(one.workspaceId, one.key, answer)
      const later = { ...one, bodyHash: 'other', resourceId: 'msg_later', now: at(100_000), staleBefore: at(99_000), expiresAt: at(200_000) }
      const claims = await race(() => store().claim(later))
      expect(claims.filter((claim) => claim.type === 'claimed')).toEqual([{ type: 'claimed', resourceId: 'msg_later' }])
      expect(claims.filter((claim) => claim.type === 'running')).toHaveLength(23)
    })

    it('is free again when forgotten, in its own workspace only', async () => {
      const one = request()
      await store().claim(one)
      await store().forget(newWorkspaceId(), one.key)
      await store().finish(newWorkspaceId(), one.key, answer)
      expect(await store().claim(one)).toEqual({ type: 'running' })
      await store().forget(one.workspaceId, one.key)
      expect(await store().claim({ ...one, resourceId: 'msg_later' })).toEqual({ type: 'claimed', resourceId: 'msg_later' })
    })

    it('prunes what expired before a time', async () => {
      const [old, edge] = [request({ now: longAgo(1), expiresAt: longAgo(1, 9) }), request({ now: longAgo(1), expiresAt: longAgo(1, 10) })]
      for (const one of [old, edge]) await store().claim(one)
      await store().prune(longAgo(1, 10))
      expect(await store().claim({ ...old, bodyHash: 'other' })).toMatchObject({ type: 'claimed' })
      expect(await store().claim({ ...edge, bodyHash: 'other' })).toEqual({ type: 'mismatch' })
    })

    it('finishes many at once', async () => {
      const requests = Array.from({ length: 300 }, () => request())
      await Promise.all(requests.map((one) => store().claim(one)))
      await Promise.all(requests.map((one, n) => store().finish(one.workspaceId, one.key, { status: 200, body: String(n) })))
      const claims = await Promise.all(requests.map((one) => store().claim(one)))
      expect(claims).toEqual(requests.map((_, n): Claim => ({ type: 'done', answer: { status: 200, body: String(n) } })))
    })
  })
}
