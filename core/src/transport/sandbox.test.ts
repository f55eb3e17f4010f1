import { describe, expect, test } from 'vitest'
import type { Channel } from '../message/message.ts'
import { createMovedClock } from '../testing/moved-clock.ts'
import { lookupOf, sendRequestTo, transportSuite } from '../testing/transport-suite.ts'
import { sandbox } from './sandbox.ts'
import type { Inbound } from './transport.ts'

const never = new AbortController().signal

function openWorld(channel: Channel = 'imessage') {
  const clock = createMovedClock()
  const events: Inbound[] = []
  const transport = sandbox.open({
    runtime: clock.runtime,
    line: { id: 'line_1', workspaceId: 'ws_1', phone: '+15005550100', email: 'me@sandbox.trunkline.test', channel, name: 'Sandbox' },
    settings: {},
    timeoutMs: 1_000,
    allowPrivate: false,
    allowPrivateFetch: false,
    inbound: (event) => events.push(event),
  })
  return { clock, events, transport }
}

transportSuite('sandbox', async () => {
  const { clock, transport } = openWorld()
  const addresses = { accepted: '+15005550001', refused: '+15005550004', unavailable: '+15005550007', unknown: '+15005550005' }
  return {
    transport,
    secrets: [],
    arrange: async (arm) => addresses[arm],
    hang: async () => null,
    sentTo: () => null,
    now: () => clock.runtime.now(),
    pass: (ms) => clock.advance(ms),
    lookups: 'asks',
    close: () => transport.close(),
  }
})

const accepted = { type: 'accepted' }
const refused = (refusal: string) => ({ type: 'refused', class: refusal })

/** api.md §4, line by line: what a send answers, which receipts and replies follow, what a lookup says in the end. */
const table = [
  { phone: '+15005550001', email: 'delivered', available: true, send: accepted, after: ['delivered', 'read'], found: 'read' },
  { phone: '+15005550002', email: 'unavailable', available: false, send: refused('not_on_channel'), after: [], found: null },
  { phone: '+15005550003', email: 'sent', available: true, send: accepted, after: [], found: 'sent' },
  { phone: '+15005550004', email: 'refused', available: true, send: refused('recipient'), after: [], found: null },
  { phone: '+15005550005', email: 'unknown', available: true, send: { type: 'unknown' }, after: [], found: 'delivered' },
  { phone: '+15005550006', email: 'lost', available: true, send: { type: 'unknown' }, after: [], found: null },
  { phone: '+15005550008', email: 'stop', available: true, send: accepted, after: ['delivered', 'STOP'], found: 'delivered' },
  {
    phone: '+15005550009',
    email: 'reply',
    available: true,
    send: accepted,
    after: ['delivered', expect.stringMatching(/\w{3}/)],
    found: 'delivered',
  },
  { phone: '+14155550123', email: 'anybody', available: true, send: accepted, after: ['delivered'], found: 'delivered' },
]

describe.each(table)('$phone and $email@', ({ phone, email, available, send, after, found }) => {
  test.each([phone, `${email}@sandbox.trunkline.test`])('%s', async (address) => {
    const { clock, events, transport } = openWorld()
    const since = clock.runtime.now()
    expect(await transport.check(address, never)).toEqual({ type: 'answer', available })
    const request = sendRequestTo(address)
    expect(await transport.send(request, never)).toMatchObject(send)
    expect(events).toEqual([])
    await clock.advance(1_000)
    expect(events.map((event) => (event.type === 'reply' ? event.text : event.type === 'receipt' ? event.status : event.why))).toEqual(after)
    expect(await transport.lookup(lookupOf(request, { since }), never)).toMatchObject(
      found === null ? { type: 'missing' } : { type: 'found', status: found },
    )
  })
})

test.each(['+15005550007', 'flaky@sandbox.trunkline.test'])('%s is down for two attempts, then delivers', async (address) => {
  const { clock, events, transport } = openWorld()
  const types = []
  for (const attemptNumber of [1, 2, 3]) types.push((await transport.send(sendRequestTo(address, { attemptNumber }), never)).type)
  expect(types).toEqual(['unavailable', 'unavailable', 'accepted'])
  await clock.advance(100)
  expect(events).toMatchObject([{ type: 'receipt', status: 'delivered' }])
})

test.each(['sms', 'email'] as const)('on an %s line "not on it" is a bad recipient', async (channel) => {
  const { transport } = openWorld(channel)
  const address = channel === 'sms' ? '+15005550002' : 'unavailable@sandbox.trunkline.test'
  expect(await transport.send(sendRequestTo(address), never)).toMatchObject({ type: 'refused', class: 'recipient' })
})

test('an unknown outcome cannot be looked up within its first second', async () => {
  const { clock, transport } = openWorld()
  const since = clock.runtime.now()
  const request = sendRequestTo('+15005550005')
  await transport.send(request, never)
  await clock.advance(999)
  expect(await transport.lookup(lookupOf(request, { since }), never)).toEqual({ type: 'missing' })
  await clock.advance(1)
  expect(await transport.lookup(lookupOf(request, { since }), never)).toMatchObject({ type: 'found', status: 'delivered' })
})

test('receipts carry the id that the send answered and the attempt; a reply comes from the address to the line', async () => {
  const { clock, events, transport } = openWorld()
  const result = await transport.send(sendRequestTo('+15005550008'), never)
  const externalId = 'sbx-msg_01ARZ3NDEKTSV4RRFFQ69G5FAV-1'
  expect(result).toEqual({ type: 'accepted', externalId })
  await clock.advance(79)
  expect(events).toMatchObject([{ externalId, attemptId: 'att_01ARZ3NDEKTSV4RRFFQ69G5FAV', status: 'delivered' }])
  await clock.advance(1)
  expect(events[1]).toMatchObject({ type: 'reply', from: '+15005550008', to: '+15005550100', externalId: `${externalId}-reply` })
})

test('a closed sandbox says nothing more', async () => {
  const { clock, events, transport } = openWorld()
  await transport.send(sendRequestTo('+15005550001'), never)
  await transport.close()
  await clock.advance(1_000)
  expect(events).toEqual([])
})

test('its settings are an empty object and nothing else', () => {
  expect(sandbox.settings.safeParse({}).success).toBe(true)
  expect(sandbox.settings.safeParse({ url: 'x' }).success).toBe(false)
})
