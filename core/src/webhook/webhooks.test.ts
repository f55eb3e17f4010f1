import { Webhook as Standard } from 'standardwebhooks'
import { afterEach, describe, expect, it } from 'vitest'
import type { EventType, OutboxEvent } from '../event/event.ts'
import { sampleMessage } from '../event/test-rig.ts'
import { type Receiver, startReceiver } from './receiver.test-rig.ts'
import { createWebhookRig } from './test-rig.ts'
import { deliveryView } from './view.ts'

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
