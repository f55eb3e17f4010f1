import { describe, expect, it } from 'vitest'
import type { Consumer, ConsumerKind } from './consumer.ts'
import type { EventType } from './event.ts'
import { createRelay } from './relay.ts'
import { createTestQueue, createTestRuntime, createTestStores, sampleLead, sampleMessage } from './test-rig.ts'

const endpoint = (id: string, events: EventType[], state: Consumer['state'] = 'on'): Consumer => ({
  key: `webhook:${id}`,
  state,
  wants: (type) => events.includes(type),
})

function setUp(consumers: Consumer[]) {
  const world = createTestRuntime()
  const { stores, rows } = createTestStores()
  const hints = createTestQueue()
  const kind: ConsumerKind = { prefix: 'webhook', list: async () => consumers, deliver: () => Promise.reject(new Error('not here')) }
  const relay = createRelay({ stores, runtime: world.runtime, kinds: [kind], queue: hints.queue })
  const deliveries = () => [...rows.deliveries.rows.values()]
  return { ...world, stores, rows, ...hints, relay, deliveries }
}

const key = 'whk_00000000000000000000000009'

describe('the relay', () => {
  it('makes one delivery per interested consumer, hints each, and empties the outbox', async () => {
    const { relay, rows, deliveries, waiting } = setUp([
      endpoint(key, ['message.sent']),
      endpoint('whk_8', ['message.sent']),
      endpoint('whk_7', ['lead.created']),
    ])
    const message = sampleMessage()
    await rows.messages.insert(message)
    expect(await relay.relay('message', message)).toEqual({ deliveries: 2, hinted: true })
    expect(deliveries().map(({ id }) => id)).toEqual([
      'dlv_00000000000000000000000001_00000000000000000000000009',
      'dlv_00000000000000000000000001_8',
    ])
    expect(deliveries()[0]).toMatchObject({
      consumer: `webhook:${key}`,
      event: 'message.sent',
      aggregateId: message.id,
      status: 'pending',
      attempts: [],
    })
    expect(waiting().map(({ id }) => id)).toEqual(deliveries().map(({ id }) => id))
    expect((await rows.messages.get('ws_1', message.id))?.outbox).toEqual([])
  })

  it('twice changes nothing', async () => {
    const { relay, deliveries } = setUp([endpoint(key, ['message.sent'])])
    await relay.relay('message', sampleMessage())
    const first = deliveries()
    await relay.relay('message', sampleMessage())
    expect(deliveries()).toEqual(first)
  })

  it('keeps the outbox of a version that somebody wrote meanwhile', async () => {
    const { relay, rows } = setUp([endpoint(key, ['message.sent'])])
    await rows.messages.insert(sampleMessage({ version: 4 }))
    await relay.relay('message', sampleMessage({ version: 3 }))
    expect((await rows.messages.get('ws_1', sampleMessage().id))?.outbox).toHaveLength(1)
  })

  it('without a queue the deliveries are there all the same, due now', async () => {
    const { relay, breakDown, deliveries, runtime } = setUp([endpoint(key, ['message.sent'])])
    breakDown()
    expect(await relay.relay('message', sampleMessage())).toEqual({ deliveries: 1, hinted: false })
    expect(deliveries()[0]?.dueAt).toEqual(runtime.now())
  })

  it('keeps events of an endpoint Trunkline switched off as skipped, without a hint', async () => {
    const { relay, deliveries, waiting } = setUp([endpoint(key, ['message.sent'], 'paused')])
    await relay.relay('message', sampleMessage())
    expect(deliveries()).toMatchObject([{ status: 'skipped', dueAt: null }])
    expect(waiting()).toEqual([])
  })

  it('does not tell an endpoint that it was itself switched off', async () => {
    const { relay, deliveries } = setUp([endpoint('whk_1', ['webhook.disabled'], 'paused'), endpoint('whk_2', ['webhook.disabled'])])
    const at = new Date('2026-11-22T10:00:00Z')
    const webhook = {
      id: 'whk_1',
      workspaceId: 'ws_1',
      version: 2,
      seq: 1,
      outbox: [{ id: 'evt_5', type: 'webhook.disabled' as const, seq: 1, at, data: { webhookId: 'whk_1' } }],
      url: 'https://example.com',
      events: [],
      name: null,
      description: null,
      isActive: false,
      secrets: [],
      failureCount: 1,
      failingSince: at,
      lastSuccessAt: null,
      lastFailureAt: at,
      disabledAt: at,
      disabledReason: 'gone',
      createdAt: at,
      updatedAt: at,
    }
    await relay.relay('webhook', webhook)
    expect(deliveries().map(({ consumer }) => consumer)).toEqual(['webhook:whk_2'])
    expect(JSON.parse(deliveries()[0]?.body ?? '')).toMatchObject({
      event: 'webhook.disabled',
      message: null,
      messageId: null,
      data: { webhookId: 'whk_1' },
    })
  })

  it('finds what a crash left behind', async () => {
    const { relay, rows, deliveries } = setUp([endpoint(key, ['message.sent'])])
    await rows.messages.insert(sampleMessage())
    expect(await relay.relayLeftovers(10)).toBe(1)
    expect(deliveries()).toHaveLength(1)
    expect(await relay.relayLeftovers(10)).toBe(0)
  })

  it('relays what stands behind an outbox that cannot be relayed, and says so', async () => {
    const { relay, rows, deliveries } = setUp([endpoint(key, ['message.sent'])])
    await rows.messages.insert(sampleMessage({ id: 'msg_0', history: [{ status: 'queued', at: new Date(Number.NaN), why: 'broken' }] }))
    await rows.messages.insert(sampleMessage())
    await expect(relay.relayLeftovers(10)).rejects.toThrow(/time/)
    expect(deliveries().map(({ aggregateId }) => aggregateId)).toEqual([sampleMessage().id])
  })
})

describe('the body', () => {
  it('has every field, null where it means nothing, and no internals', async () => {
    const { relay, deliveries } = setUp([endpoint(key, ['message.sent'])])
    await relay.relay('message', sampleMessage({ metadata: { orderId: 7 }, correlationId: 'corr-1' }))
    const body = JSON.parse(deliveries()[0]?.body ?? '')
    expect(Object.keys(body)).toEqual([
      'event',
      'id',
      'seq',
      'timestamp',
      'workspaceId',
      'messageId',
      'message',
      'leadId',
      'lead',
      'campaignId',
      'ghlContactId',
      'ghlLocationId',
      'hsContactId',
      'hsPortalId',
      'contactOwnerEmail',
      'metadata',
      'data',
    ])
    expect(body).toMatchObject({
      event: 'message.sent',
      seq: 1,
      timestamp: '2026-11-22T09:59:00.000Z',
      leadId: null,
      lead: null,
      metadata: { orderId: 7 },
    })
    expect(body.message).toMatchObject({ message: 'Hello 👋', status: 'sent', sentAt: '2026-11-22T09:59:00.000Z' })
    for (const internal of ['version', 'outbox', 'seq', 'dueAt', 'attempt', 'reservation', 'correlationId', 'linePinned'])
      expect(body.message).not.toHaveProperty(internal)
    expect(deliveries()[0]).toMatchObject({ correlationId: 'corr-1' })
  })

  it('carries the lead as it is now, and its CRM ids where the message has none', async () => {
    const { relay, rows, deliveries } = setUp([endpoint(key, ['message.sent'])])
    await rows.leads.insert(sampleLead({ firstName: 'Ada', hsContactId: 'hs-1', ghlContactId: 'ghl-lead' }))
    await relay.relay('message', sampleMessage({ leadId: 'lead_1', ghlContactId: 'ghl-message' }))
    expect(JSON.parse(deliveries()[0]?.body ?? '')).toMatchObject({
      leadId: 'lead_1',
      lead: { id: 'lead_1', firstName: 'Ada' },
      hsContactId: 'hs-1',
      ghlContactId: 'ghl-message',
    })
  })

  it('of a lead that is gone says its id and null', async () => {
    const { relay, deliveries } = setUp([endpoint(key, ['message.sent'])])
    await relay.relay('message', sampleMessage({ leadId: 'lead_gone' }))
    expect(JSON.parse(deliveries()[0]?.body ?? '')).toMatchObject({ leadId: 'lead_gone', lead: null })
  })

  it('about a lead carries the lead itself', async () => {
    const { relay, deliveries } = setUp([endpoint(key, ['lead.opted_out'])])
    const at = new Date('2026-11-22T09:59:00.000Z')
    await relay.relay('lead', sampleLead({ outbox: [{ id: 'evt_3', type: 'lead.opted_out', seq: 5, at, data: { reason: 'STOP' } }] }))
    expect(JSON.parse(deliveries()[0]?.body ?? '')).toMatchObject({
      event: 'lead.opted_out',
      seq: 5,
      leadId: 'lead_1',
      lead: { id: 'lead_1' },
      message: null,
      data: { reason: 'STOP' },
    })
  })

  it('of a fallback carries reason and checked addresses in data and at the top', async () => {
    const { relay, deliveries } = setUp([endpoint(key, ['message.fallback'])])
    const at = new Date('2026-11-22T09:59:00.000Z')
    await relay.relay(
      'message',
      sampleMessage({
        status: 'fallback',
        reason: 'not_on_imessage',
        checkedAddresses: [{ address: '+15005550002', available: false, checkedAt: at, source: 'line_1' }],
        outbox: [{ id: 'evt_2', type: 'message.fallback', seq: 1, at, data: {} }],
      }),
    )
    const checkedAddresses = [{ address: '+15005550002', available: false, checkedAt: at.toISOString(), source: 'line_1' }]
    expect(JSON.parse(deliveries()[0]?.body ?? '')).toMatchObject({
      reason: 'not_on_imessage',
      checkedAddresses,
      data: { reason: 'not_on_imessage', checkedAddresses },
    })
  })
})
