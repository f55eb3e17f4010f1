import { expect, test } from 'vitest'
import type { Call } from './bluebubbles-client.ts'
import { judgeSend } from './bluebubbles-verdict.ts'

function answer(status: number, body: { data?: unknown; why?: string } | null): Call {
  return { type: 'answer', status, retryAfterMs: null, body: body === null ? null : { data: body.data ?? null, why: body.why ?? '' } }
}

const chat = { guid: 'iMessage;-;+14155550123', messages: [{ guid: 'M1', error: 0 }] }

test.each<[string, Call, object]>([
  ['never connected', { type: 'not_sent', why: 'refused' }, { type: 'unavailable', why: 'refused' }],
  ['broken off', { type: 'unknown', why: 'reset' }, { type: 'unknown', why: 'reset' }],
  ['sent', answer(200, { data: { guid: 'M1', error: 0 } }), { type: 'accepted', externalId: 'M1' }],
  ['sent in a new chat', answer(200, { data: chat }), { type: 'accepted', externalId: 'M1' }],
  ['sent in a new chat that is shown without it', answer(200, { data: { guid: chat.guid } }), { type: 'accepted', externalId: null }],
  ['sent, it says, and shows nothing', answer(200, {}), { type: 'accepted', externalId: null }],
  ['200 from something else', answer(200, null), { type: 'unknown' }],
  ['200 with error 22', answer(200, { data: { guid: 'M1', error: 22 } }), { type: 'refused', class: 'not_on_channel' }],
  ['200 with error 4', answer(200, { data: { guid: 'M1', error: 4 } }), { type: 'unknown' }],
  ['500 with error 22', answer(500, { data: { guid: 'M1', error: 22 } }), { type: 'refused', class: 'not_on_channel' }],
  ['500 with error 4', answer(500, { data: { guid: 'M1', error: 4 } }), { type: 'unknown' }],
  ['500 with nothing (issue 801)', answer(500, { why: 'Failed to send message!' }), { type: 'unknown' }],
  ['500: no such chat', answer(500, { why: 'Chat does not exist!' }), { type: 'no_chat' }],
  ['500: no such chat, but with a message', answer(500, { why: 'Chat does not exist!', data: { guid: 'M1' } }), { type: 'unknown' }],
  [
    '500: a chat that was not found after sending',
    answer(500, { why: 'Failed to create new chat! Chat not found after 30 seconds!' }),
    { type: 'unknown' },
  ],
  ['500: helper away', answer(500, { why: 'iMessage Private API Helper is not connected!' }), { type: 'unavailable' }],
  ['504', answer(504, { why: 'Gateway Timeout' }), { type: 'unknown' }],
  ['502 of a proxy', answer(502, null), { type: 'unknown' }],
  ['400', answer(400, { why: 'message: required' }), { type: 'refused', class: 'content', detail: '400: message: required' }],
  ['400: already queued', answer(400, { why: 'Message is already queued to be sent! (Temp GUID: x)' }), { type: 'unknown' }],
  ['400 of a proxy', answer(400, null), { type: 'unknown' }],
  ['401', answer(401, null), { type: 'refused', class: 'sender' }],
  ['403', answer(403, { why: 'no' }), { type: 'refused', class: 'sender' }],
  ['404 of the server', answer(404, { why: 'no such route' }), { type: 'refused', class: 'sender' }],
  ['404 of a tunnel', answer(404, null), { type: 'unavailable' }],
  ['413', answer(413, null), { type: 'refused', class: 'content' }],
  ['429', { type: 'answer', status: 429, retryAfterMs: 7_000, body: null }, { type: 'unavailable', retryAfterMs: 7_000 }],
])('%s', (_case, call, verdict) => {
  expect(judgeSend(call)).toMatchObject(verdict)
})
