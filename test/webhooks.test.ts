import { createHmac } from 'node:crypto'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './rig/hub.ts'
import { type Received, type Receiver, startReceiver } from './rig/receiver.ts'
import { startSink } from './rig/sink.ts'
import { type DeliveryView, type EventView, events, startWorld, statusIs, type Tenant, type World } from './rig/world.ts'

const to = { recipientPhone: '+14155550123' }
const closing: (() => Promise<void>)[] = []
let world: World

beforeAll(async () => {
  world = await startWorld({ WEBHOOK_RETRY_SCHEDULE_MS: '200,200,200,60000', SWEEP_EVERY_MS: '300' })
})
afterAll(async () => {
  for (const close of closing) await close()
  await world.close()
})

async function receive(): Promise<Receiver> {
  const receiver = await startReceiver()
  closing.push(() => receiver.close())
  return receiver
}

/** A workspace of its own with a sandbox line and one endpoint. */
async function scenario(wanted: readonly string[] = ['message.sent']) {
  const tenant = await world.tenant('webhooks')
  await tenant.addLine({ name: 'sandbox', channel: 'imessage', transport: { type: 'sandbox' } })
  const receiver = await receive()
  const { id, secret } = await tenant.addWebhook(receiver, wanted)
  return { ...tenant, receiver, id, secret }
}

const verifies = (secret: string, { headers, body }: Received) => {
  try {
    new StandardWebhook(secret).verify(body, { ...headers } as Record<string, string>)
    return true
  } catch {
    return false
  }
}

async function deliveries(tenant: Tenant, id: string): Promise<DeliveryView[]> {
  return (await tenant.call<{ deliveries: DeliveryView[] }>('GET', `/api/webhooks/${id}/deliveries?limit=100`)).body.deliveries
}
const endpoint = async (tenant: Tenant, id: string) => (await tenant.call<Record<string, unknown>>('GET', `/api/webhooks/${id}`)).body

test('the correlation id of a request comes with every event it caused', async () => {
  const scene = await scenario(['*'])
  const heard = (type: string) => scene.receiver.received.find(({ body }) => (JSON.parse(body) as EventView).event === type)
  const caused = async (type: string, method: string, path: string, body?: unknown) => {
    const answer = await scene.call<{ leadIds: string[] }>(method, path, body, { 'x-correlation-id': `of-${type}` })
    await scene.receiver.until(() => heard(type) !== undefined)
    expect(heard(type)?.headers['x-correlation-id']).toBe(`of-${type}`)
    expect(answer.headers.get('x-correlation-id')).toBe(`of-${type}`)
    return answer.body
  }
  const { leadIds } = await caused('lead.created', 'POST', '/api/leads', { phone: to.recipientPhone })
  const lead = `/api/leads/${leadIds[0]}`
  await caused('lead.updated', 'PATCH', lead, { firstName: 'Ann' })
  await caused('message.delivered', 'POST', '/api/messages', { message: 'Hello', ...to })
  await caused('lead.opted_out', 'POST', '/api/dnc', { phone: to.recipientPhone })
  await caused('lead.deleted', 'DELETE', lead)
})

describe.concurrent('a delivery that fails', () => {
  test('comes again with the same id and body, a new signature, and its log tells every attempt', async () => {
    const scene = await scenario()
    scene.receiver.answer(500)
    await scene.send(to)
    await scene.receiver.until((received) => received.length >= 2)
    scene.receiver.answer(204)
    const [delivery] = await eventually(
      () => deliveries(scene, scene.id),
      ([found]) => found?.status === 'delivered',
    )
    const { received } = scene.receiver
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(received.map(({ body }) => body)).size).toBe(1)
    for (const one of received) expect(verifies(scene.secret, one)).toBe(true)
    expect(delivery).toMatchObject({ event: 'message.sent', eventId: received[0]?.headers['webhook-id'], nextAttemptAt: null })
    expect(delivery?.attempts.map((attempt) => attempt.statusCode)).toEqual([...received.slice(1).map(() => 500), 204])
    expect(await endpoint(scene, scene.id)).toMatchObject({ isActive: true, lastSuccessAt: expect.any(String), lastFailureAt: expect.any(String) })
  })

  test('comes no sooner than Retry-After says', async () => {
    const scene = await scenario()
    scene.receiver.answer(503, { 'retry-after': '2' })
    await scene.send(to)
    await scene.receiver.until((received) => received.length >= 1)
    scene.receiver.answer(200)
    await scene.receiver.until((received) => received.length >= 2)
    const [first, second] = scene.receiver.received
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2_000)
  })

  test('by a redirect is not followed', async () => {
    const scene = await scenario()
    const elsewhere = await receive()
    scene.receiver.answer(302, { location: elsewhere.url })
    await scene.send(to)
    await scene.receiver.until((received) => received.length >= 2)
    const [delivery] = await deliveries(scene, scene.id)
    expect(delivery?.attempts[0]).toMatchObject({ statusCode: 302, error: expect.stringMatching(/redirect/i) })
    expect(elsewhere.received).toEqual([])
  })

  test('by 410 switches the endpoint off, tells the others, and calls it no more', async () => {
    const scene = await scenario(['message.sent', 'message.delivered'])
    const other = await receive()
    await scene.addWebhook(other, ['webhook.disabled'])
    scene.receiver.answer(410)
    await scene.send(to)
    await other.until((received) => received.length === 1)
    expect(events(other)[0]).toMatchObject({ event: 'webhook.disabled', data: { webhookId: scene.id } })
    expect(await endpoint(scene, scene.id)).toMatchObject({
      isActive: false,
      disabledAt: expect.any(String),
      disabledReason: expect.stringMatching(/410/),
    })
    const calls = scene.receiver.received.length
    const again = await scene.send({ ...to, message: 'Again' })
    await scene.until(again.id, statusIs('delivered'))
    const skipped = await eventually(
      () => deliveries(scene, scene.id),
      (found) => found.length === 4 && found.every((delivery) => delivery.status !== 'pending'),
    )
    expect(new Set(skipped.map((delivery) => delivery.status))).toEqual(new Set(['skipped']))
    expect(scene.receiver.received).toHaveLength(calls)
    const audit = await scene.call<{ entries: { action: string; target: string }[] }>('GET', '/api/audit')
    expect(audit.body.entries).toContainEqual(expect.objectContaining({ action: 'webhook.disabled', target: scene.id }))

    // Its events were kept: switched on again, they can be had.
    scene.receiver.answer(200)
    const since = new Date(Date.now() - 3_600_000).toISOString()
    expect((await scene.call('POST', `/api/webhooks/${scene.id}/replay`, { since })).status).toBe(400)
    expect((await scene.call('PATCH', `/api/webhooks/${scene.id}`, { isActive: true })).status).toBe(200)
    expect((await scene.call('POST', `/api/webhooks/${scene.id}/replay`, { since })).body).toEqual({ count: 4 })
    await eventually(
      () => deliveries(scene, scene.id),
      (found) => found.every((delivery) => delivery.status === 'delivered'),
    )
    expect(new Set(scene.receiver.received.slice(calls).map(({ headers }) => headers['webhook-id'])).size).toBe(4)
  })
})

describe.concurrent('asked for', () => {
  test('a test posts a signed sample and shows what came back', async () => {
    const scene = await scenario()
    const tested = await scene.call('POST', `/api/webhooks/${scene.id}/test`)
    expect(tested).toMatchObject({ status: 200, body: { success: true, statusCode: 200, latencyMs: expect.any(Number) } })
    const [sample] = scene.receiver.received
    expect(sample && verifies(scene.secret, sample)).toBe(true)
    scene.receiver.answer(418)
    expect((await scene.call('POST', `/api/webhooks/${scene.id}/test`)).body).toMatchObject({ success: false, statusCode: 418 })
    await scene.receiver.close()
    expect((await scene.call('POST', `/api/webhooks/${scene.id}/test`)).body).toMatchObject({
      success: false,
      statusCode: null,
      response: expect.stringMatching(/refused/i),
    })
    expect(await deliveries(scene, scene.id)).toEqual([])
  })

  test('one delivery again, under its old id', async () => {
    const scene = await scenario()
    await scene.send(to)
    await scene.receiver.until((received) => received.length === 1)
    const [delivery] = await eventually(
      () => deliveries(scene, scene.id),
      ([found]) => found?.status === 'delivered',
    )
    expect((await scene.call('POST', `/api/webhooks/${scene.id}/deliveries/${delivery?.id}/replay`)).status).toBe(202)
    await scene.receiver.until((received) => received.length === 2)
    const [first, second] = scene.receiver.received
    expect([second?.headers['webhook-id'], second?.body]).toEqual([first?.headers['webhook-id'], first?.body])
    expect(second && verifies(scene.secret, second)).toBe(true)
    expect((await scene.call('POST', `/api/webhooks/${scene.id}/deliveries/dlv_00000000000000000000000000/replay`)).status).toBe(404)
  })

  test('a range again: of these types, since then', async () => {
    const scene = await scenario(['message.sent', 'message.delivered'])
    for (let n = 0; n < 3; n++) await scene.send({ recipientPhone: `+1415555020${n}` })
    await scene.receiver.until((received) => received.length === 6)
    await eventually(
      () => deliveries(scene, scene.id),
      (found) => found.length === 6 && found.every((delivery) => delivery.status === 'delivered'),
    )
    const replay = (body: unknown) => scene.call('POST', `/api/webhooks/${scene.id}/replay`, body)
    const since = new Date(Date.now() - 3_600_000).toISOString()
    expect(await replay({ since, events: ['message.sent'] })).toMatchObject({ status: 202, body: { count: 3 } })
    await scene.receiver.until((received) => received.length === 9)
    expect(
      new Set(
        events(scene.receiver)
          .slice(6)
          .map((event) => event.event),
      ),
    ).toEqual(new Set(['message.sent']))
    expect((await replay({ since: new Date(Date.now() + 60_000).toISOString() })).body).toEqual({ count: 0 })
    expect((await replay({ since, until: '2020-01-01T00:00:00Z' })).status).toBe(400)
  })

  test('a new secret: both sign for a day, and only the new one is `X-Tuco-Signature`', async () => {
    const scene = await scenario()
    const rotated = await scene.call<{ secret: string }>('POST', `/api/webhooks/${scene.id}/rotate-secret`)
    const fresh = rotated.body.secret
    expect(fresh).not.toBe(scene.secret)
    await scene.send(to)
    await scene.receiver.until((received) => received.length === 1)
    const one = scene.receiver.received[0] ?? { headers: {}, body: '', at: 0 }
    expect(`${one.headers['webhook-signature']}`.split(' ')).toHaveLength(2)
    expect([verifies(scene.secret, one), verifies(fresh, one), verifies(`whsec_${Buffer.alloc(32).toString('base64')}`, one)]).toEqual([
      true,
      true,
      false,
    ])
    expect(one.headers['x-tuco-signature']).toBe(createHmac('sha256', fresh).update(one.body).digest('hex'))
    // Rotated again: the first secret ends at once.
    await scene.call('POST', `/api/webhooks/${scene.id}/rotate-secret`)
    await scene.send({ ...to, message: 'Again' })
    await scene.receiver.until((received) => received.length === 2)
    const two = scene.receiver.received[1] ?? one
    expect([verifies(scene.secret, two), verifies(fresh, two)]).toEqual([false, true])
  })

  test('a secret is shown when it is made and never again', async () => {
    const scene = await scenario()
    expect(scene.secret).toMatch(/^whsec_/)
    for (const path of ['/api/webhooks', `/api/webhooks/${scene.id}`, '/api/audit', `/api/webhooks/${scene.id}/deliveries`]) {
      expect(JSON.stringify((await scene.call('GET', path)).body)).not.toContain('whsec_')
    }
  })
})

describe('one endpoint that never answers', () => {
  test('does not delay another', async () => {
    const scene = await scenario(['*'])
    const sink = await startSink()
    closing.unshift(() => sink.close())
    await scene.addWebhook(sink)
    const count = 40
    for (let n = 0; n < count; n++) await scene.send({ recipientPhone: `+14155553${String(n).padStart(3, '0')}` })
    const isDone = (event: EventView) => event.event === 'message.delivered'
    await scene.receiver.until(() => events(scene.receiver).filter(isDone).length === count, 10_000)
    expect(sink.connections()).toBeGreaterThan(0)
    const began = performance.timeOrigin
    const lateMs = scene.receiver.received
      .map(({ body, at }) => began + at - Date.parse((JSON.parse(body) as EventView).timestamp))
      .sort((a, b) => a - b)
    // The dead one is given 15 s for each answer; nobody else may feel that.
    expect(lateMs[Math.floor(lateMs.length * 0.99)]).toBeLessThan(3_000)
  })
})
