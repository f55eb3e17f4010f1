import { createHmac } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { client, eventually, type HubProcess, startHub, tempDir } from './rig/hub.ts'
import { type Receiver, startReceiver } from './rig/receiver.ts'
import { type EventView, events, type MessageView } from './rig/world.ts'

const ended = ['queued', 'pending']

/** api.md §4: who, how it ends, and the events a receiver gets for the message, in their order. */
const stories: [phone: string, email: string, status: string, told: string[]][] = [
  ['+15005550001', 'delivered@', 'delivered', [...ended, 'sent', 'delivered', 'opened']],
  ['+15005550002', 'unavailable@', 'fallback', ['queued', 'fallback']],
  ['+15005550003', 'sent@', 'sent', [...ended, 'sent']],
  ['+15005550004', 'refused@', 'failed', [...ended, 'failed']],
  ['+15005550005', 'unknown@', 'delivered', [...ended, 'delivered']],
  ['+15005550006', 'lost@', 'failed', [...ended, 'failed']],
  ['+15005550007', 'flaky@', 'delivered', [...ended, 'sent', 'delivered']],
  ['+15005550008', 'stop@', 'delivered', [...ended, 'sent', 'delivered', 'reply']],
  ['+15005550009', 'reply@', 'delivered', [...ended, 'sent', 'delivered', 'reply']],
  ['+14155550123', 'ann@example.com', 'delivered', [...ended, 'sent', 'delivered']],
]
const recipients = stories.flatMap(([phone, email, status, told]) => [
  { to: { recipientPhone: phone }, status, told },
  { to: { recipientEmail: email.endsWith('@') ? `${email}sandbox.trunkline.test` : email }, status, told },
])
const nameOf = (to: { recipientPhone: string } | { recipientEmail: string }) => ('recipientPhone' in to ? to.recipientPhone : to.recipientEmail)

const dir = tempDir()
const env = { DATA_DIR: dir.path, ADMIN_API_KEY: '', ALLOW_PRIVATE_ADDRESSES: 'true', UNKNOWN_OUTCOME_DEADLINE_MS: '3000', LOG_LEVEL: 'info' }
let hub: HubProcess
let receiver: Receiver
let key = ''
let secret = ''
const sent = new Map<string, MessageView>()

const keysIn = (output: string) => output.match(/tl_[\w-]{20,}/g) ?? []
const told = (name: string) => events(receiver).filter((event) => event.messageId === sent.get(name)?.id)
const bySeq = (a: EventView, b: EventView) => a.seq - b.seq

beforeAll(async () => {
  receiver = await startReceiver()
  hub = await startHub(env)
  key =
    (
      await eventually(
        async () => keysIn(hub.output()),
        (keys) => keys.length > 0,
      )
    )[0] ?? ''
})

afterAll(async () => {
  await hub.stop()
  await receiver.close()
  dir.remove()
})

describe('a first start in an empty directory', () => {
  test('says where it listens and shows the admin key it made, once', () => {
    expect(hub.output()).toContain(`listens on ${hub.url}`)
    expect(keysIn(hub.output())).toHaveLength(1)
    expect(key.length).toBeGreaterThanOrEqual(35)
  })

  test('the key in its output is the admin key; another one is refused', async () => {
    expect((await client(hub.url, key)('GET', '/api/keys')).status).toBe(200)
    expect((await client(hub.url, `tl_${'x'.repeat(40)}`)('GET', '/api/keys')).status).toBe(401)
  })

  test('/healthz, /readyz, /docs and /openapi.json answer without a key', async () => {
    for (const path of ['/healthz', '/readyz', '/docs', '/openapi.json']) expect((await fetch(`${hub.url}${path}`)).status, path).toBe(200)
    const docs = await fetch(`${hub.url}/docs`)
    expect(docs.headers.get('content-type')).toMatch(/^text\/html/)
    expect(await docs.text()).toContain('/api/messages')
    expect(await (await fetch(`${hub.url}/openapi.json`)).json()).toMatchObject({ openapi: expect.stringMatching(/^3\.1/) })
  })

  test('the key that seals secrets is readable by its owner only', () => {
    expect(readdirSync(dir.path)).toContain('encryption.key')
    expect(statSync(join(dir.path, 'encryption.key')).mode & 0o077).toBe(0)
  })

  test('on a port that is taken shows the key all the same: the store has it by then, and no later start tells it', async () => {
    const other = tempDir()
    const taken = new URL(hub.url).port
    const refused = await startHub({ ...env, DATA_DIR: other.path, PORT: taken }).catch((error: unknown) => String(error))
    other.remove()
    expect(refused).toContain(`could not listen on 127.0.0.1:${taken}`)
    expect(keysIn(String(refused))).toHaveLength(1)
  })

  test('a second hub on the same directory is refused in words', async () => {
    await expect(startHub(env)).rejects.toThrow(/could not start: .*(in use|another|lock)/i)
    expect((await fetch(`${hub.url}/healthz`)).status).toBe(200)
  })
})

describe('the sandbox stories', () => {
  beforeAll(async () => {
    const call = client(hub.url, key)
    const webhook = await call<{ secret: string }>('POST', '/api/webhooks', { url: receiver.url, events: ['*'], name: 'everything' })
    secret = webhook.body.secret
    for (const { to } of recipients) {
      const answer = await call<{ message: MessageView }>('POST', '/api/messages', {
        message: `Hello ${nameOf(to)}`,
        metadata: { story: nameOf(to) },
        ...to,
      })
      expect(answer.status).toBe(201)
      sent.set(nameOf(to), answer.body.message)
    }
  })

  test.each(recipients.map((story) => [nameOf(story.to), story] as const))('%s', async (name, story) => {
    const types = story.told.map((type) => `message.${type}`)
    await receiver.until(() => told(name).length >= types.length)
    const mine = told(name).sort(bySeq)
    expect(mine.map((event) => event.event)).toEqual(types)
    expect(mine.map((event) => event.seq)).toEqual(types.map((_, index) => index + 1))
    const { body } = await client(hub.url, key)<{ status: string; message: MessageView }>('GET', `/api/messages/${sent.get(name)?.id}`)
    expect(body.status).toBe(story.status)
    expect(body.message.history.at(-1)?.status).toBe(story.status)
    for (const event of mine) {
      expect(event).toMatchObject({
        leadId: body.message.leadId,
        metadata: { story: name },
        message: { id: body.message.id, message: `Hello ${name}` },
      })
    }
  })

  test('what was read says when, what failed says why, what fell back says what was asked', async () => {
    const end = (name: string) => told(name).sort(bySeq).at(-1)
    for (const name of ['+15005550001', 'delivered@sandbox.trunkline.test']) expect(end(name)?.message?.readAt).toEqual(expect.any(String))
    for (const name of ['+15005550004', 'refused@sandbox.trunkline.test']) expect(end(name)?.data).toMatchObject({ failure: { permanent: true } })
    for (const name of ['+15005550006', 'lost@sandbox.trunkline.test'])
      expect(end(name)?.data).toMatchObject({ failure: { code: 'outcome_unknown' } })
    for (const name of ['+15005550002', 'unavailable@sandbox.trunkline.test']) {
      const fallback = end(name)
      expect(fallback).toMatchObject({ reason: expect.any(String), checkedAddresses: [{ address: name, available: false }] })
      expect(fallback?.data).toMatchObject({ reason: fallback?.reason, checkedAddresses: fallback?.checkedAddresses })
    }
    for (const name of ['+15005550009', 'reply@sandbox.trunkline.test'])
      expect(end(name)?.data).toMatchObject({ reply: { from: name, messageId: sent.get(name)?.id } })
  })

  test('a bridge that was down twice shows two holds before it was sent', async () => {
    const { body } = await client(hub.url, key)<{ message: MessageView }>('GET', `/api/messages/${sent.get('+15005550007')?.id}`)
    const states = body.message.history.map((entry) => entry.status)
    expect(states).toEqual(['queued', 'pending', 'sending', 'queued', 'sending', 'queued', 'sending', 'sent', 'delivered'])
    expect(body.message.history.filter((entry) => entry.status === 'queued' && entry.why.startsWith('retry:'))).toHaveLength(2)
  })

  test('every hand-over is one line of the log, with its outcome and without address or text', () => {
    const lines = hub.output().split('\n')
    const of = (name: string) => lines.filter((line) => line.includes('message.attempted') && line.includes(`"messageId":"${sent.get(name)?.id}"`))
    expect(of('+15005550002')).toEqual([])
    expect(of('+15005550007').map((line) => (JSON.parse(line) as { outcome: string }).outcome)).toEqual(['unavailable', 'unavailable', 'accepted'])
    const [refused = '{}'] = of('+15005550004')
    const wanted = { outcome: 'refused', status: 'failed', attemptNumber: 1, transport: 'sandbox', channel: 'imessage', lineId: expect.any(String) }
    expect(JSON.parse(refused)).toMatchObject({ ...wanted, latencyMs: expect.any(Number), correlationId: expect.stringMatching(/^req_/) })
    for (const word of ['+1500555', '@sandbox', 'Hello']) expect(lines.filter((line) => line.includes(word))).toEqual([])
  })

  test('STOP opts the lead out, is announced, and the next message is refused', async () => {
    for (const to of [{ recipientPhone: '+15005550008' }, { recipientEmail: 'stop@sandbox.trunkline.test' }]) {
      const leadId = sent.get(nameOf(to))?.leadId
      await receiver.until(() => events(receiver).some((event) => event.event === 'lead.opted_out' && event.leadId === leadId))
      const lead = await client(hub.url, key)<{ optedOut: Record<string, unknown> }>('GET', `/api/leads/${leadId}`)
      expect(lead.body.optedOut.all).toBeTruthy()
      const again = await client(hub.url, key)<{ code: string }>('POST', '/api/messages', { message: 'Are you there?', ...to })
      expect([again.status, again.body.code]).toEqual([403, 'OPTED_OUT'])
    }
  })

  test('every webhook verifies by the standardwebhooks and svix packages and by X-Tuco-Signature, and not after a change of one byte', () => {
    expect(receiver.received.length).toBeGreaterThan(recipients.length * 2)
    for (const { headers, body } of receiver.received) {
      const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
      expect(() => new StandardWebhook(secret).verify(body, flat)).not.toThrow()
      expect(() => new SvixWebhook(secret).verify(body, flat)).not.toThrow()
      expect(flat['x-tuco-signature']).toBe(createHmac('sha256', secret).update(body).digest('hex'))
      expect(flat['x-tuco-event']).toBe((JSON.parse(body) as EventView).event)
      expect(flat['webhook-id']).toBe((JSON.parse(body) as EventView).id)
      expect(() => new StandardWebhook(secret).verify(`${body} `, flat)).toThrow()
      expect(() => new SvixWebhook(secret).verify(`${body} `, flat)).toThrow()
    }
  })

  test('no event came twice', () => {
    const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('recipients became leads in the list "Quick Sends"', async () => {
    const call = client(hub.url, key)
    const { body } = await call<{ lists: { id: string; name: string; leadCount: number }[] }>('GET', '/api/lists')
    expect(body.lists.find((list) => list.name === 'Quick Sends')?.leadCount).toBe(recipients.length)
  })
})

describe('a restart', () => {
  const paths = ['/api/messages?limit=100', '/api/leads?limit=100', '/api/replies?limit=100', '/api/lists', '/api/workspace', '/api/audit']
  const look = () => Promise.all(paths.map(async (path) => (await client(hub.url, key)('GET', path)).body))

  test('keeps everything, shows no key again, and goes on sending', async () => {
    const before = await look()
    expect(before[0]).toMatchObject({ messages: { length: recipients.length } })
    expect(await hub.stop()).toBe(0)
    hub = await startHub(env)
    expect(await look()).toEqual(before)
    expect(keysIn(hub.output())).toEqual([])
    const call = client(hub.url, key)
    const again = await call<{ message: MessageView }>('POST', '/api/messages', { message: 'Hello again', recipientPhone: '+15005550001' })
    expect(again.status).toBe(201)
    await receiver.until(() => events(receiver).some((event) => event.event === 'message.delivered' && event.messageId === again.body.message.id))
    const { headers, body } = receiver.received.at(-1) ?? { headers: {}, body: '' }
    expect(() => new StandardWebhook(secret).verify(body, { ...headers } as Record<string, string>)).not.toThrow()
  })

  test('neither its output nor its log tells a key, a secret, an address or a text', () => {
    for (const word of [key, secret, '+1500555', '@sandbox', 'Hello']) expect(hub.output(), word).not.toContain(word)
  })
})
