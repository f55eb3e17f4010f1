import { Webhook as Standard } from 'standardwebhooks'
import { afterEach, describe, expect, it } from 'vitest'
import { sampleMessage } from '../event/test-rig.ts'
import { createEndpoints } from './endpoints.ts'
import { type Receiver, startReceiver } from './receiver.test-rig.ts'
import { createSecrets } from './secrets.ts'
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

async function receiver(status = 200): Promise<Receiver> {
  const made = await startReceiver((_, response) => response.writeHead(status).end('seen'))
  open.push(() => made.close())
  return made
}

const outsider = 'ws_2'

describe('creating', () => {
  it('shows the secret once, keeps it sealed, and records who did it', async () => {
    const world = rig()
    const { webhook, secret } = await world.endpoints.create(world.caller, { url: 'https://example.com/hook', events: ['*', '*'], name: 'CRM' })
    expect(secret).toMatch(/^whsec_/)
    expect(JSON.stringify(await world.endpoints.list('ws_1'))).not.toContain(secret)
    expect(webhookView(webhook)).toMatchObject({ url: 'https://example.com/hook', events: ['*'], name: 'CRM', description: null, isActive: true })
    expect(JSON.stringify(webhookView(webhook))).not.toContain('sealed')
    expect(world.audit).toMatchObject([{ actor: 'key:key_1', action: 'webhook.created', target: webhook.id }])
  })

  it('under the same reserved id is the same endpoint with the same secret', async () => {
    const world = rig()
    const input = { url: 'https://example.com/hook', events: ['*'] as const }
    const first = await world.endpoints.create(world.caller, input, { id: 'whk_1' })
    const second = await world.endpoints.create(world.caller, input, { id: 'whk_1' })
    expect(second).toEqual(first)
    expect(await world.endpoints.list('ws_1')).toHaveLength(1)
  })

  it.each(['http://127.0.0.1/', 'http://2130706433/', 'http://localhost/', 'ftp://example.com/', 'http://[::1]/', 'https://user:x@example.com/'])(
    'refuses %s',
    async (url) => {
      const world = rig({ allowPrivate: false })
      await expect(world.endpoints.create(world.caller, { url, events: ['*'] })).rejects.toMatchObject({
        code: 'URL_REFUSED',
        issues: [{ path: 'url' }],
      })
      expect(await world.endpoints.list('ws_1')).toEqual([])
    },
  )

  it('refuses a name that leads to a private address now; one that does not resolve yet is checked when it is called', async () => {
    const world = rig()
    const secrets = createSecrets({ runtime: world.runtime, sealer: { seal: (_, __, plain) => plain, open: (_, __, sealed) => sealed } })
    const resolve = async (name: string) => {
      if (name === 'inside.example.com') return ['93.184.216.34', '10.0.0.5']
      throw new Error('no such name')
    }
    const endpoints = createEndpoints({ stores: world.stores, runtime: world.runtime, secrets, poster: world.poster, allowPrivate: false, resolve })
    await expect(endpoints.create(world.caller, { url: 'https://inside.example.com/', events: ['*'] })).rejects.toMatchObject({ code: 'URL_REFUSED' })
    await endpoints.create(world.caller, { url: 'https://soon.example.com/', events: ['*'] })
    expect(await endpoints.list('ws_1')).toHaveLength(1)
  })

  it('refuses no events, and more endpoints than a workspace may have', async () => {
    const world = rig()
    await expect(world.endpoints.create(world.caller, { url: 'https://example.com/', events: [] })).rejects.toMatchObject({ code: 'VALIDATION' })
    for (let i = 0; i < 100; i++) await world.endpoints.create(world.caller, { url: 'https://example.com/', events: ['*'] })
    await expect(world.endpoints.create(world.caller, { url: 'https://example.com/', events: ['*'] })).rejects.toMatchObject({ code: 'VALIDATION' })
  })
})

describe('changing', () => {
  it('changes what is given and nothing else', async () => {
    const world = rig()
    const { webhook } = await world.endpoints.create(world.caller, { url: 'https://example.com/hook', events: ['*'], name: 'a', description: 'b' })
    const changed = await world.endpoints.update(world.caller, webhook.id, { events: ['message.sent'], name: null })
    expect(changed).toMatchObject({ url: 'https://example.com/hook', events: ['message.sent'], name: null, description: 'b', isActive: true })
    expect(changed.secrets).toEqual(webhook.secrets)
  })

  it('checks the new address as well', async () => {
    const world = rig({ allowPrivate: false })
    const { webhook } = await world.endpoints.create(world.caller, { url: 'https://8.8.8.8/hook', events: ['*'] })
    await expect(world.endpoints.update(world.caller, webhook.id, { url: 'http://169.254.169.254/' })).rejects.toMatchObject({ code: 'URL_REFUSED' })
    expect(await world.endpoints.get('ws_1', webhook.id)).toMatchObject({ url: 'https://8.8.8.8/hook' })
  })

  it('two at once both take effect', async () => {
    const world = rig()
    const { webhook } = await world.endpoints.create(world.caller, { url: 'https://example.com/', events: ['*'] })
    await Promise.all([
      world.endpoints.update(world.caller, webhook.id, { name: 'n' }),
      world.endpoints.update(world.caller, webhook.id, { description: 'd' }),
      world.endpoints.rotateSecret(world.caller, webhook.id),
    ])
    const after = await world.endpoints.get('ws_1', webhook.id)
    expect(after).toMatchObject({ name: 'n', description: 'd' })
    expect(after.secrets).toHaveLength(2)
  })
})

describe('404', () => {
  it('answers another workspace exactly like an id that does not exist', async () => {
    const world = rig()
    const { webhook } = await world.endpoints.create(world.caller, { url: 'https://example.com/', events: ['*'] })
    const foreign = { ...world.caller, workspaceId: outsider }
    for (const id of [webhook.id, 'whk_none']) {
      const calls = [
        world.endpoints.get(outsider, id),
        world.endpoints.update(foreign, id, { name: 'x' }),
        world.endpoints.remove(foreign, id),
        world.endpoints.test(outsider, id, world.signal),
        world.endpoints.rotateSecret(foreign, id),
        world.replays.deliveries(outsider, id, {}, { limit: 1 }),
        world.replays.one(foreign, id, 'dlv_1'),
        world.replays.range(foreign, id, { since: world.runtime.now() }),
      ]
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'There is no such webhook' })
    }
    expect(await world.endpoints.get('ws_1', webhook.id)).toMatchObject({ name: null })
  })
})

describe('rotating the secret', () => {
  it('signs with both for a day, then with the new one only', async () => {
    const world = rig()
    const there = await receiver()
    const { webhook, secret: old } = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    const { secret: fresh, previousValidUntil } = await world.endpoints.rotateSecret(world.caller, webhook.id)
    expect(previousValidUntil).toEqual(new Date(world.runtime.now().getTime() + 86_400_000))
    const signatures = async () => {
      await world.endpoints.test('ws_1', webhook.id, world.signal)
      const got = there.received.at(-1)
      const by = (secret: string) =>
        new Standard(secret).sign(String(got?.headers['webhook-id']), new Date(Number(got?.headers['webhook-timestamp']) * 1000), got?.body ?? '')
      return { sent: got?.headers['webhook-signature'], by }
    }
    const during = await signatures()
    expect(during.sent).toBe(`${during.by(fresh)} ${during.by(old)}`)
    await world.advance(86_400_000)
    const after = await signatures()
    expect(after.sent).toBe(after.by(fresh))
  })

  it('twice in a day leaves two valid ones', async () => {
    const world = rig()
    const { webhook } = await world.endpoints.create(world.caller, { url: 'https://example.com/', events: ['*'] })
    await world.endpoints.rotateSecret(world.caller, webhook.id)
    expect((await world.endpoints.rotateSecret(world.caller, webhook.id)).webhook.secrets).toHaveLength(2)
  })
})

describe('the test button', () => {
  it('posts a sample of an event the endpoint listens to, and shows the answer', async () => {
    const world = rig()
    const there = await receiver(202)
    const { webhook } = await world.endpoints.create(world.caller, { url: there.url, events: ['message.fallback'] })
    expect(await world.endpoints.test('ws_1', webhook.id, world.signal)).toMatchObject({ success: true, statusCode: 202, response: 'seen' })
    expect(there.received[0]?.headers['x-tuco-event']).toBe('message.fallback')
    expect(JSON.parse(there.received[0]?.body ?? '')).toMatchObject({ event: 'message.fallback', data: { test: true }, workspaceId: 'ws_1' })
    expect(world.rows.deliveries.rows.size).toBe(0)
  })

  it('says what went wrong', async () => {
    const world = rig()
    const there = await receiver(500)
    const failing = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    expect(await world.endpoints.test('ws_1', failing.webhook.id, world.signal)).toMatchObject({ success: false, statusCode: 500, response: 'seen' })
    await there.close()
    open.pop()
    const closed = await world.endpoints.test('ws_1', failing.webhook.id, world.signal)
    expect(closed).toMatchObject({ success: false, statusCode: null, response: expect.stringMatching(/^connection/) })
  })
})

describe('replaying', () => {
  async function delivered() {
    const world = rig()
    const there = await receiver()
    const { webhook } = await world.endpoints.create(world.caller, { url: there.url, events: ['*'] })
    await world.relay.relay('message', sampleMessage())
    await world.drain()
    const delivery = [...world.rows.deliveries.rows.values()][0]
    if (!delivery) throw new Error('no delivery')
    return { world, there, webhook, delivery }
  }

  it('one posts the same bytes under the same id again', async () => {
    const { world, there, webhook, delivery } = await delivered()
    expect(await world.replays.one(world.caller, webhook.id, delivery.id)).toMatchObject({ status: 'pending' })
    await world.drain()
    expect(there.received).toHaveLength(2)
    expect(there.received[1]?.body).toBe(there.received[0]?.body)
    expect(there.received[1]?.headers['webhook-id']).toBe(there.received[0]?.headers['webhook-id'])
    expect(await world.stores.deliveries.get('ws_1', delivery.id)).toMatchObject({
      status: 'delivered',
      attempts: [{ statusCode: 200 }, { statusCode: 200 }],
    })
  })

  it("one of another endpoint's deliveries is not found", async () => {
    const { world, delivery } = await delivered()
    const { webhook } = await world.endpoints.create(world.caller, { url: 'https://example.com/', events: ['*'] })
    await expect(world.replays.one(world.caller, webhook.id, delivery.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('a range keeps to its time and its events', async () => {
    const { world, there, webhook } = await delivered()
    const from = world.runtime.now()
    await world.advance(60_000)
    const at = world.runtime.now()
    const more = [
      { id: 'evt_a', type: 'message.delivered' as const, seq: 2, at, data: {} },
      { id: 'evt_b', type: 'message.opened' as const, seq: 3, at, data: {} },
    ]
    await world.relay.relay('message', sampleMessage({ outbox: more }))
    await world.drain()
    expect(there.received).toHaveLength(3)
    expect(await world.replays.range(world.caller, webhook.id, { since: at, events: ['message.opened'] })).toEqual({ count: 1 })
    await world.drain()
    expect(there.received.at(-1)?.headers['x-tuco-event']).toBe('message.opened')
    expect(await world.replays.range(world.caller, webhook.id, { since: from, until: new Date(at.getTime() - 1) })).toEqual({ count: 1 })
    await world.drain()
    expect(there.received.at(-1)?.headers['x-tuco-event']).toBe('message.sent')
    await expect(world.replays.range(world.caller, webhook.id, { since: at, until: from })).rejects.toMatchObject({ code: 'VALIDATION' })
  })
})
