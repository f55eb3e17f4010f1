import { Webhook as Standard } from 'standardwebhooks'
import { afterEach, describe, expect, it } from 'vitest'
import type { EventType, OutboxEvent } from '../event/event.ts'
import { sampleMessage } from '../event/test-rig.ts'
import { type Receiver, startReceiver } from './receiver.test-rig.ts'
import { createWebhookRig } from './test-rig.ts'
import { deliveryView, webhookView } from './view.ts'

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

type Rig = ReturnType<typeof rig>
const one = async (world: Rig) =>
  (await world.replays.deliveries('ws_1', [...world.rows.webhooks.rows.values()][0]?.id ?? '', {}, { limit: 10 })).deliveries[0]

describe('a delivery', () => {
  it('arrives signed so that the reference library accepts it, and is settled with its attempt', async () => {
    const world = rig()
    const there = await receiver()
    const { webhook, secret } = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    await world.relay.relay('message', withEvent({ correlationId: 'corr-7' }))
    await world.drain()
    const [got] = there.received
    // The library compares with the machine's clock; the time of the test's clock is signed, so its own signature is compared.
    const at = new Date(Number(got?.headers['webhook-timestamp']) * 1000)
    expect(at).toEqual(world.runtime.now())
    expect(new Standard(secret).sign(String(got?.headers['webhook-id']), at, got?.body ?? '')).toBe(got?.headers['webhook-signature'])
    expect(got?.headers).toMatchObject({ 'x-tuco-event': 'message.sent', 'x-correlation-id': 'corr-7', 'webhook-id': JSON.parse(got?.body ?? '').id })
    const delivery = (await world.replays.deliveries('ws_1', webhook.id, {}, { limit: 10 })).deliveries[0]
    expect(delivery && deliveryView(delivery)).toMatchObject({
      status: 'delivered',
      nextAttemptAt: null,
      attempts: [{ statusCode: 200, error: null }],
    })
  })

  it('is logged in one line without body, path or secret', async () => {
    const world = rig()
    const there = await receiver()
    const { secret } = await world.endpoints.create(world.caller, { url: `${there.url}/canary-path?token=canary`, events: ['*'] })
    await world.relay.relay('message', withEvent({ message: 'canary body' }))
    await world.drain()
    const logged = world.lines.filter(({ message }) => message === 'delivery.attempted')
    expect(logged).toHaveLength(1)
    expect(logged[0]?.fields).toMatchObject({ outcome: 'done', statusCode: 200, attemptNumber: 1, written: true })
    const text = JSON.stringify(world.lines)
    for (const canary of ['canary', secret, '+15005550001']) expect(text).not.toContain(canary)
  })

  it('fails over and over by the schedule, under one id, until it is given up', async () => {
    const world = rig()
    const there = await receiver(() => 500)
    const { webhook } = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    await world.relay.relay('message', withEvent())
    await world.drain()
    const startedAt = world.runtime.now().getTime()
    for (let i = 0; i < 60 && (await one(world))?.status === 'pending'; i++) {
      const dueAt = (await one(world))?.dueAt ?? world.runtime.now()
      await world.advance(Math.max(0, dueAt.getTime() - world.runtime.now().getTime()) + 10)
      // The sweeper's part: what is due later than hints reach.
      if (world.waiting().length === 0) await world.queue.add([{ kind: 'delivery', workspaceId: 'ws_1', id: (await one(world))?.id ?? '' }])
      await world.drain()
    }
    expect(await one(world)).toMatchObject({ status: 'failed', dueAt: null })
    const times = (await one(world))?.attempts.map(({ at }) => Math.round((at.getTime() - startedAt) / 1000))
    expect(times).toEqual([0, 5, 35, 155, 755, 4355, 15155, 43955, 130355])
    expect(new Set(there.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(await world.endpoints.get('ws_1', webhook.id)).toMatchObject({ isActive: true, failureCount: 9 })
  })

  it('two workers on one delivery post it once', async () => {
    const world = rig()
    const there = await receiver()
    await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    await world.relay.relay('message', withEvent())
    const [hint] = world.take(world.runtime.now())
    if (!hint) throw new Error('no hint')
    await Promise.all(Array.from({ length: 8 }, () => world.deliverer.deliver(hint, world.signal)))
    expect(there.received).toHaveLength(1)
  })

  it('is posted again after the lease when the worker died in between (at least once, same id)', async () => {
    const world = rig()
    const there = await receiver()
    await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    await world.relay.relay('message', withEvent())
    const [hint] = world.take(world.runtime.now())
    if (!hint) throw new Error('no hint')
    await world.stores.deliveries.claim('ws_1', hint.id, world.runtime.now(), new Date(world.runtime.now().getTime() + 30_000))
    await world.deliverer.deliver(hint, world.signal)
    expect(there.received).toHaveLength(0)
    await world.advance(30_000)
    await world.deliverer.deliver(hint, world.signal)
    expect(there.received).toHaveLength(1)
  })

  it('of an endpoint removed or switched off by a person meanwhile settles as skipped, unsent', async () => {
    const world = rig()
    const there = await receiver()
    const first = (await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })).webhook
    const second = (await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })).webhook
    await world.relay.relay('message', withEvent())
    await world.endpoints.remove(world.caller, first.id)
    await world.endpoints.update(world.caller, second.id, { isActive: false })
    await world.drain()
    expect(there.received).toHaveLength(0)
    expect([...world.rows.deliveries.rows.values()].map(({ status }) => status)).toEqual(['skipped', 'skipped'])
    await world.relay.relay('message', withEvent())
    expect(world.rows.deliveries.rows.size).toBe(2)
  })

  it('keeps the order of one message, one after the other', async () => {
    const world = rig()
    let atOnce = 0
    let most = 0
    const there = await startReceiver((_, response) => {
      most = Math.max(most, ++atOnce)
      setImmediate(() => {
        atOnce--
        response.end()
      })
    })
    open.push(() => there.close())
    await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    await world.relay.relay('message', withEvent({ outbox: Array.from({ length: 12 }, (_, i) => event('message.sent', i + 1)) }))
    await world.drain()
    expect(there.received.map(({ body }) => JSON.parse(body).seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(most).toBe(1)
  })

  it('waits as long as Retry-After says', async () => {
    const world = rig()
    const there = await receiver(() => 503, { 'retry-after': '90' })
    await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    await world.relay.relay('message', withEvent())
    await world.drain()
    expect(((await one(world))?.dueAt?.getTime() ?? 0) - world.runtime.now().getTime()).toBe(90_000)
  })
})

describe('one consumer and another', () => {
  it('an endpoint that never answers gives its worker slots back and does not delay the other', async () => {
    const world = rig({ slowAfterMs: 1_000 })
    const dead = await startReceiver(() => {})
    open.push(() => dead.close())
    const alive = await receiver()
    await world.endpoints.create(world.caller, { url: dead.url, events: ['message.sent'] })
    await world.endpoints.create(world.caller, { url: alive.url, events: ['message.delivered'] })
    const messages = (count: number, type: EventType) =>
      Promise.all(Array.from({ length: count }, (_, i) => world.relay.relay('message', withEvent({ id: `msg_${type}_${i}`, outbox: [event(type)] }))))
    await messages(100, 'message.sent')
    const held = world.drain()
    await dead.count(32)
    await world.advance(1_250)
    await held
    expect(dead.received).toHaveLength(32)
    const putOff = [...world.rows.deliveries.rows.values()].filter(({ attempts, dueAt }) => attempts.length === 0 && dueAt)
    expect(putOff.length).toBe(100)
    await messages(100, 'message.delivered')
    await world.drain()
    expect(alive.received).toHaveLength(100)
    await world.poster.close()
    await world.deliverer.idle()
  })
})

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
