import { expect, it } from 'vitest'
import { createTestRuntime } from '../event/test-rig.ts'
import { createTally } from './tally.ts'
import type { Webhook } from './webhook.ts'

const start = new Date('2026-11-22T10:00:00Z')

function setUp(change: Partial<Webhook> = {}) {
  const world = createTestRuntime(start.toISOString())
  const state = {
    isDown: false,
    writes: 0,
    doc: {
      id: 'whk_1',
      workspaceId: 'ws_1',
      version: 1,
      seq: 0,
      outbox: [],
      url: 'https://example.com',
      events: ['*'],
      name: null,
      description: null,
      isActive: true,
      secrets: [],
      failureCount: 0,
      failingSince: null,
      lastSuccessAt: null,
      lastFailureAt: null,
      disabledAt: null,
      disabledReason: null,
      createdAt: start,
      updatedAt: start,
      ...change,
    } as Webhook,
  }
  const webhooks = {
    get: async () => state.doc,
    async commit(webhook: Webhook) {
      if (state.isDown) throw new Error('the store is away')
      if (webhook.version !== state.doc.version) return false
      state.doc = { ...webhook, version: webhook.version + 1 }
      state.writes++
      return true
    },
  }
  const tally = createTally({ webhooks, runtime: world.runtime })
  const record = (ok: boolean) => tally.record(state.doc, { ok, at: world.runtime.now() })
  return { ...world, state, tally, record }
}

it('counts failures since the last success, and since when there was none', async () => {
  const { record, advance, state, tally, runtime } = setUp()
  expect(await record(false)).toBeNull()
  await advance(100)
  expect(await record(false)).toEqual(start)
  await advance(2_000)
  expect(state.doc).toMatchObject({ failureCount: 2, failingSince: start })
  expect(await record(true)).toEqual(start)
  await advance(100)
  await record(false)
  await tally.flush()
  expect(state.doc).toMatchObject({
    failureCount: 1,
    failingSince: runtime.now(),
    lastFailureAt: runtime.now(),
    lastSuccessAt: new Date(runtime.now().getTime() - 100),
  })
})

it('knows within the same second what is not written yet', async () => {
  const { record, state } = setUp({ failingSince: new Date('2026-11-01T00:00:00Z'), failureCount: 40 })
  const stale = state.doc
  const world = { stale }
  expect(await record(true)).toEqual(world.stale.failingSince)
  expect(await record(false)).toBeNull()
  expect(await record(false)).toEqual(start)
})

it('writes at most once a second while nothing changes', async () => {
  const { record, advance, state } = setUp()
  for (let i = 0; i < 500; i++) {
    await record(true)
    await advance(10)
  }
  expect(state.writes).toBeGreaterThanOrEqual(4)
  expect(state.writes).toBeLessThanOrEqual(6)
})

it('loses nothing when the store was away', async () => {
  const { record, advance, state } = setUp()
  state.isDown = true
  expect(await record(false)).toBeNull()
  expect(state.doc.failureCount).toBe(0)
  await advance(1_000)
  state.isDown = false
  await advance(1_000)
  expect(state.doc).toMatchObject({ failureCount: 1, failingSince: start })
})

it('leaves to the endpoint what a person changed meanwhile', async () => {
  const { record, advance, state, tally } = setUp()
  await record(true)
  state.doc = { ...state.doc, version: state.doc.version + 1, name: 'renamed' }
  await record(true)
  await advance(1_000)
  await tally.flush()
  expect(state.doc).toMatchObject({ name: 'renamed', lastSuccessAt: start })
})
