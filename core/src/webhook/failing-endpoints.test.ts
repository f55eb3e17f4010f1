import { afterEach, describe, expect, it } from 'vitest'
import type { EventType, OutboxEvent } from '../event/event.ts'
import { sampleMessage } from '../event/test-rig.ts'
import { type Receiver, startReceiver } from './receiver.test-rig.ts'
import { createWebhookRig } from './test-rig.ts'
import { webhookView } from './view.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

function rig(options: Parameters<typeof createWebhookRig>[0] = {}) {
  const made = createWebhookRig(options)
  open.push(() => made.poster.close())
  return made
}

/** Answers with what `status` says at that moment. */
async function receiver(status: () => number = () => 200, headers: Record<string, string> = {}): Promise<Receiver> {
  const made = await startReceiver((_, response) => response.writeHead(status(), headers).end('seen'))
  open.push(() => made.close())
  return made
}

let made = 0
function event(type: EventType = 'message.sent', seq = 1): OutboxEvent {
  return { id: `evt_${String(++made).padStart(26, '0')}`, type, seq, at: new Date('2026-11-22T09:59:00Z'), data: {} }
}
const withEvent = (change: Partial<Parameters<typeof sampleMessage>[0]> = {}) => sampleMessage({ outbox: [event()], ...change })

describe('an endpoint that fails', () => {
  it('410 switches it off: event to the others, audit entry, events kept and replayed later', async () => {
    const world = rig()
    let status = 410
    const gone = await receiver(() => status)
    const other = await receiver()
    const { webhook } = await world.endpoints.create(world.caller, { url: gone.url, events: ['*'] })
    await world.endpoints.create(world.caller, { url: other.url, events: ['webhook.disabled'] })
    await world.relay.relay('message', withEvent())
    await world.drain()
    expect(webhookView(await world.endpoints.get('ws_1', webhook.id))).toMatchObject({
      isActive: false,
      disabledAt: world.runtime.now().toISOString(),
      disabledReason: expect.stringContaining('410'),
      failureCount: 1,
    })
    expect(other.received.map(({ body }) => JSON.parse(body))).toMatchObject([{ event: 'webhook.disabled', data: { webhookId: webhook.id } }])
    expect(gone.received).toHaveLength(1)
    expect(world.audit.filter(({ action }) => action === 'webhook.disabled')).toMatchObject([{ actor: 'system', target: webhook.id }])
    await world.relay.relay('message', withEvent())
    await world.drain()
    expect(gone.received).toHaveLength(1)

    const since = new Date(world.runtime.now().getTime() - 1_000)
    await expect(world.replays.range(world.caller, webhook.id, { since })).rejects.toMatchObject({ code: 'VALIDATION' })
    status = 200
    await world.endpoints.update(world.caller, webhook.id, { isActive: true })
    expect(await world.replays.range(world.caller, webhook.id, { since })).toEqual({ count: 2 })
    await world.drain()
    expect(gone.received).toHaveLength(3)
    expect(new Set(gone.received.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
    expect(await world.endpoints.get('ws_1', webhook.id)).toMatchObject({ isActive: true, disabledAt: null, failureCount: 0 })
  })

  it('five days of nothing but failure switch it off; one success in between starts anew', async () => {
    const world = rig()
    let status = 500
    const there = await receiver(() => status)
    const { webhook } = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    const day = 86_400_000
    const tryNow = async () => {
      await world.relay.relay('message', withEvent({ id: `msg_${made}` }))
      await world.drain()
      return (await world.endpoints.get('ws_1', webhook.id)).isActive
    }
    await tryNow()
    await world.advance(4 * day)
    status = 200
    expect(await tryNow()).toBe(true)
    await world.advance(2_000)
    status = 500
    await tryNow()
    await world.advance(5 * day - 60_000)
    expect(await tryNow()).toBe(true)
    await world.advance(60_000)
    expect(await tryNow()).toBe(false)
    expect(await world.endpoints.get('ws_1', webhook.id)).toMatchObject({ disabledReason: 'every attempt failed for 5 days' })
  })

  it('is not hammered when it comes back: a backlog of 300 arrives whole, never 33 at once, spread over time', async () => {
    const world = rig()
    let status = 500
    let atOnce = 0
    let most = 0
    const there = await startReceiver((_, response) => {
      most = Math.max(most, ++atOnce)
      setImmediate(() => {
        atOnce--
        response.writeHead(status).end()
      })
    })
    open.push(() => there.close())
    await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    for (let i = 0; i < 300; i++) await world.relay.relay('message', withEvent({ id: `msg_${i}` }))
    await world.drain()
    const during = there.received.length
    // The first wave was under way when the failure showed; after it nothing but trials.
    expect(during).toBeLessThanOrEqual(40)
    status = 200
    const perSecond: number[] = []
    for (let i = 0; i < 600 && [...world.rows.deliveries.rows.values()].some(({ status: now }) => now !== 'delivered'); i++) {
      const before = there.received.length
      await world.advance(1_000)
      await world.drain()
      perSecond.push(there.received.length - before)
    }
    expect([...world.rows.deliveries.rows.values()].every(({ status: now }) => now === 'delivered')).toBe(true)
    // 200 a second is the pace of what was put off; the first wave's own retries fall in one of the seconds.
    expect(Math.max(...perSecond)).toBeLessThanOrEqual(200 + during)
    expect(most).toBeLessThanOrEqual(32)
  })
})

describe('the counters of an endpoint', () => {
  it('do not cost a write per delivery', async () => {
    const world = rig()
    const there = await receiver()
    const { webhook } = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    for (let i = 0; i < 200; i++) await world.relay.relay('message', withEvent({ id: `msg_${i}` }))
    const before = world.writes.webhooks
    await world.drain()
    expect(there.received).toHaveLength(200)
    expect(world.writes.webhooks - before).toBeLessThanOrEqual(2)
    await world.tally.flush()
    expect(await world.endpoints.get('ws_1', webhook.id)).toMatchObject({ lastSuccessAt: world.runtime.now(), failureCount: 0 })
  })

  it('show a change between working and failing at once', async () => {
    const world = rig()
    let status = 200
    const there = await receiver(() => status)
    const { webhook } = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    const tryNow = async () => {
      await world.relay.relay('message', withEvent({ id: `msg_${made}` }))
      await world.drain()
      return world.endpoints.get('ws_1', webhook.id)
    }
    await tryNow()
    status = 500
    expect(await tryNow()).toMatchObject({ failureCount: 1, failingSince: world.runtime.now(), lastFailureAt: world.runtime.now() })
    status = 200
    expect(await tryNow()).toMatchObject({ failureCount: 0, failingSince: null })
  })
})
