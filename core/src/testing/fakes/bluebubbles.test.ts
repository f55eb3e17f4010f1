import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FakeBlueBubbles, startFakeBlueBubbles } from './bluebubbles.ts'

let fake: FakeBlueBubbles
let hooked: string[]
let close: () => Promise<void>
let arrived: (count: number) => Promise<void>

beforeEach(async () => {
  hooked = []
  const waiting: { count: number; resolve: () => void }[] = []
  const hook = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { type, data } = JSON.parse(body) as {
      type: string
      data: { dateRead?: number | null; isDelivered?: boolean; isFromMe?: boolean; chats?: unknown }
    }
    hooked.push(
      [type, data.isFromMe ? 'ours' : 'theirs', data.dateRead ? 'read' : data.isDelivered ? 'delivered' : 'sent', data.chats ? 'chats' : '']
        .join(' ')
        .trim(),
    )
    response.end()
    for (const one of waiting) if (hooked.length >= one.count) one.resolve()
  }).listen(0, '127.0.0.1')
  await once(hook, 'listening')
  arrived = (count) => (hooked.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve })))
  fake = await startFakeBlueBubbles({ hookUrl: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/` })
  close = async () => {
    await fake.close()
    hook.closeAllConnections()
    hook.close()
    await once(hook, 'close')
  }
})

afterEach(() => close())

const call = (path: string, body?: unknown, password = fake.password) =>
  fetch(
    `${fake.url}/api/v1${path}?password=${password}`,
    body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  )
const text = { chatGuid: 'iMessage;-;+14155550123', message: 'Hi', tempGuid: 'att_1' }

test('webhooks after the answer: the new message, then that it was delivered', async () => {
  expect((await call('/message/text', text)).status).toBe(200)
  await arrived(2)
  expect(hooked).toEqual(['new-message ours sent chats', 'updated-message ours delivered'])
})

test('webhooks before the answer, out of order and twice', async () => {
  fake.script({ rules: [{ webhooksWhen: 'before', webhooks: ['read', 'delivered', 'new-message', 'new-message'] }] })
  await call('/message/text', text)
  expect(hooked).toEqual(['updated-message ours read', 'updated-message ours read', 'new-message ours read chats', 'new-message ours read chats'])
})

test('no webhooks at all, and a reply alone', async () => {
  fake.script({ rules: [{ webhooks: [], reply: 'STOP', webhooksWhen: 'before' }] })
  await call('/message/text', text)
  expect(hooked).toEqual(['new-message theirs sent chats'])
})

test('another process scripts it and reads its ledger', async () => {
  const script = { rules: [{ address: '+14155550123', times: 1, send: 'error500_after_send' }] }
  await fetch(`${fake.url}/fake/script`, { method: 'POST', body: JSON.stringify(script) })
  expect((await call('/message/text', text)).status).toBe(500)
  expect((await call('/message/text', { ...text, tempGuid: 'att_2' })).status).toBe(200)
  const told = await (await fetch(`${fake.url}/fake/ledger`)).json()
  expect(told).toMatchObject({ ledger: [{ tempGuid: 'att_1', text: 'Hi' }, { tempGuid: 'att_2' }], violations: [] })
})

test('the same tempGuid while it is on its way is refused', async () => {
  fake.script({ rules: [{ delayMs: 50 }] })
  const first = fake.nextSend()
  const slow = call('/message/text', text)
  await first
  expect(await (await call('/message/text', text)).json()).toMatchObject({ error: { message: expect.stringContaining('already queued') } })
  expect((await slow).status).toBe(200)
  expect(fake.ledger).toHaveLength(1)
})

test.each([
  ['an unknown field', '/message/text', { ...text, retry: true }],
  ['no tempGuid for AppleScript', '/message/text', { ...text, tempGuid: undefined }],
  ['an address that is not E.164', '/message/text', { ...text, chatGuid: 'iMessage;-;4155550123' }],
  ['a group', '/message/text', { ...text, chatGuid: 'iMessage;+;chat1' }],
  ['two people', '/chat/new', { addresses: ['+14155550123', '+14155550124'], message: 'Hi', tempGuid: 'a' }],
  ['a limit too high', '/message/query', { limit: 1001 }],
  ['a call it does not have', '/message/send', text],
])('%s is a violation', async (_case, path, body) => {
  expect((await call(path, body)).status).toBe(400)
  expect(fake.violations).toHaveLength(1)
  expect(fake.ledger).toEqual([])
})

test('a wrong password is 401 and nothing more', async () => {
  expect((await call('/message/text', text, 'wrong')).status).toBe(401)
  expect(fake.ledger).toEqual([])
  expect(fake.violations).toEqual([])
})
