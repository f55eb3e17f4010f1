import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { createTestRuntime, sampleLead, sampleMessage } from '../event/test-rig.ts'
import { createSqliteStores } from '../store/sql/index.ts'
import { startReceiver } from './receiver.test-rig.ts'
import { createWebhookRig } from './test-rig.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-webhooks-'))
  open.push(() => rm(folder, { recursive: true }))
  const { runtime } = createTestRuntime()
  const stores = await createSqliteStores({ file: join(folder, 'hub.db'), log: runtime.log })
  open.push(() => stores.close())
  const world = createWebhookRig({ stores })
  open.push(() => world.poster.close())
  return { ...world, stores }
}

it('an event goes from the outbox to the receiver and is settled, once, with its correlation id', async () => {
  const world = await setUp()
  const there = await startReceiver((_, response) => response.end())
  open.push(() => there.close())
  const { webhook } = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
  await world.stores.leads.insert(sampleLead())
  const message = sampleMessage({ leadId: 'lead_1', correlationId: 'corr-1', message: 'NUL \u0000 and 👋' })
  await world.stores.messages.insert(message)
  await world.relay.relay('message', message)
  await world.relay.relay('message', message)
  await world.drain()
  expect(there.received).toHaveLength(1)
  expect(there.received[0]?.headers['x-correlation-id']).toBe('corr-1')
  expect(JSON.parse(there.received[0]?.body ?? '')).toMatchObject({ message: { message: 'NUL \u0000 and 👋' }, lead: { id: 'lead_1' } })
  expect((await world.stores.messages.get('ws_1', message.id))?.outbox).toEqual([])
  const { deliveries } = await world.replays.deliveries('ws_1', webhook.id, { status: 'delivered' }, { limit: 10 })
  expect(deliveries).toMatchObject([{ attempts: [{ statusCode: 200, at: world.runtime.now() }], dueAt: null }])
})

it('what a crash left in outboxes is relayed, and 410 switches off, announces, keeps and replays', async () => {
  const world = await setUp()
  let status = 410
  const there = await startReceiver((_, response) => response.writeHead(status).end())
  open.push(() => there.close())
  const { webhook } = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
  for (let i = 0; i < 60; i++) {
    const id = `msg_${i}`
    await world.stores.messages.insert(
      sampleMessage({ id, outbox: [{ id: `evt_${i}`, type: 'message.sent', seq: 1, at: world.runtime.now(), data: {} }] }),
    )
  }
  await world.advance(60_000)
  let relayed = 0
  for (let found = -1; found !== 0; relayed += found) found = await world.relay.relayLeftovers(25)
  expect(relayed).toBe(60)
  for (let i = 0; i < 20; i++) {
    await world.drain()
    await world.advance(1_000)
  }
  expect(await world.endpoints.get('ws_1', webhook.id)).toMatchObject({ isActive: false, disabledAt: expect.any(Date) })
  const kept = await world.replays.deliveries('ws_1', webhook.id, { status: 'skipped' }, { limit: 100 })
  expect(kept.deliveries).toHaveLength(60)
  expect((await world.stores.audit.find('ws_1', { limit: 10 })).entries.map(({ action }) => action)).toContain('webhook.disabled')

  status = 200
  const before = there.received.length
  await world.endpoints.update(world.caller, webhook.id, { isActive: true })
  expect(await world.replays.range(world.caller, webhook.id, { since: new Date(0) })).toEqual({ count: 60 })
  for (let i = 0; i < 60; i++) {
    await world.drain()
    await world.advance(1_000)
  }
  expect(there.received.length - before).toBe(60)
  const done = await world.replays.deliveries('ws_1', webhook.id, { status: 'delivered' }, { limit: 100 })
  expect(done.deliveries).toHaveLength(60)
})
