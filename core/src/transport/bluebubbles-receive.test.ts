import { describe, expect, test } from 'vitest'
import { readWebhook } from './bluebubbles-receive.ts'

const now = new Date('2026-03-01T12:00:00Z')
const at = now.getTime() - 5_000
const options = { now, countryCode: '+1' }

/** A message as the webhook shows it (vendors.md §4.1). */
const message = {
  guid: 'A1B2',
  text: 'Hello',
  handle: { address: '+14155550123', service: 'iMessage' },
  chats: [{ guid: 'iMessage;-;+14155550123', style: 45 }],
  attachments: [],
  error: 0,
  dateCreated: at,
  dateRead: null,
  dateDelivered: null,
  isDelivered: false,
  isFromMe: false,
  itemType: 0,
  associatedMessageGuid: null,
}
const { chats: _, ...withoutChats } = { ...message, isFromMe: true }
const attempt = 'att_01ARZ3NDEKTSV4RRFFQ69G5FAV'
const ours = { ...message, isFromMe: true, tempGuid: attempt }
const read = (type: string, data: unknown) => readWebhook({ type, data }, options)

describe('what we sent', () => {
  test.each([
    ['new-message', ours, { status: 'sent', externalId: 'A1B2', attemptId: attempt, at: new Date(at) }],
    ['new-message', { ...ours, tempGuid: undefined }, { status: 'sent', attemptId: null }],
    ['new-message', { ...ours, tempGuid: 'temp-of-another-program' }, { status: 'sent', attemptId: null }],
    ['new-message', { ...ours, tempGuid: `${attempt}-file-1` }, { status: 'sent', attemptId: null }],
    ['new-message', { ...ours, error: 22 }, { status: 'not_on_channel' }],
    ['new-message', { ...ours, error: 43 }, { status: 'failed', detail: 'iMessage error 43' }],
    ['updated-message', { ...withoutChats, dateDelivered: at + 1_000 }, { status: 'delivered', at: new Date(at + 1_000) }],
    ['updated-message', { ...withoutChats, isDelivered: true }, { status: 'delivered', at: now }],
    ['updated-message', { ...withoutChats, dateDelivered: at + 1_000, dateRead: at + 2_000 }, { status: 'read', at: new Date(at + 2_000) }],
    ['updated-message', { ...withoutChats, error: 22, isDelivered: true }, { status: 'not_on_channel' }],
    ['message-send-error', { ...ours, error: 22 }, { status: 'not_on_channel', attemptId: attempt }],
    ['message-send-error', { ...ours, error: 1 }, { status: 'failed' }],
    ['message-send-error', { guid: null, tempGuid: attempt, error: 22 }, { status: 'not_on_channel', externalId: null, attemptId: attempt }],
  ])('%s %j', (type, data, receipt) => {
    expect(read(type, data)).toMatchObject([{ type: 'receipt', ...receipt }])
  })

  test.each([
    ['the bridge stopped waiting', { ...ours, error: 4 }],
    ['no error is named', ours],
    ['nothing was saved and nothing is named', { guid: null, tempGuid: attempt }],
    ['nothing was saved and it was not ours', { guid: null, tempGuid: 'temp-1', error: 22 }],
  ])('message-send-error is no verdict when %s', (_case, data) => {
    expect(read('message-send-error', data)).toMatchObject([{ type: 'ignored' }])
  })
})

describe('what somebody wrote', () => {
  test('is a reply: from whom, which words, when', () => {
    expect(read('new-message', message)).toEqual([
      { type: 'reply', externalId: 'A1B2', from: '+14155550123', to: null, text: 'Hello', at: new Date(at), attachments: [] },
    ])
  })

  test.each([
    ['(415) 555-0123', '+14155550123'],
    ['+44 20 7946 0958', '+442079460958'],
    ['Ann@Example.COM', 'ann@example.com'],
  ])('%s is kept as %s', (address, from) => {
    expect(read('new-message', { ...message, handle: { address } })).toMatchObject([{ from }])
  })

  test('a national number is read in the country of the line', () => {
    const data = { ...message, handle: { address: '020 7946 0958' } }
    expect(readWebhook({ type: 'new-message', data }, { now, countryCode: '+44' })).toMatchObject([{ from: '+442079460958' }])
  })

  test('a picture alone is a reply with an attachment and no words', () => {
    const data = { ...message, text: '\uFFFC', attachments: [{ transferName: 'cat.heic', mimeType: 'image/heic' }] }
    expect(read('new-message', data)).toMatchObject([{ text: '', attachments: [{ name: 'cat.heic', mimeType: 'image/heic' }] }])
  })

  test('NUL and half of a character do no harm', () => {
    expect(read('new-message', { ...message, text: 'ST\u0000OP\uD800' })).toMatchObject([{ text: 'STOP\uFFFD' }])
  })

  test.each([null, 'yesterday', -1, Number.MAX_SAFE_INTEGER, at + 86_400_000])('a date of %s is now', (dateCreated) => {
    expect(read('new-message', { ...message, dateCreated })).toMatchObject([{ at: now }])
  })
})

test.each([
  ['a reaction', 'new-message', { ...message, associatedMessageGuid: 'p:0/A1B2' }],
  ['our own reaction', 'new-message', { ...ours, associatedMessageGuid: 'p:0/A1B2' }],
  ['a change of a group', 'new-message', { ...message, itemType: 2 }],
  ['a group, by its style', 'new-message', { ...message, chats: [{ guid: 'any', style: 43 }] }],
  ['a group, by its guid', 'new-message', { ...message, chats: [{ guid: 'iMessage;+;chat1' }] }],
  ['our words to a group', 'new-message', { ...ours, chats: [{ guid: 'iMessage;+;chat1', style: 43 }] }],
  ['a change of what somebody wrote', 'updated-message', { ...withoutChats, isFromMe: false }],
  ['an empty message', 'new-message', { ...message, text: ' \uFFFC ' }],
  ['a sender that nobody can answer', 'new-message', { ...message, handle: { address: 'ACME' } }],
  ['a message without a sender', 'new-message', { ...message, handle: null }],
  ['a message without a guid', 'new-message', { ...message, guid: undefined }],
  ['typing', 'typing-indicator', { display: true, guid: 'iMessage;-;+14155550123' }],
  ['a new address of the server', 'new-server', 'https://mac.example.com'],
])('%s is ignored, with why', (_case, type, data) => {
  expect(read(type, data)).toEqual([{ type: 'ignored', why: expect.stringMatching(/\w/) }])
})

test.each([null, [], 'x', 7, {}, { type: 3 }, { data: message }])('%j is not a webhook', (body) => {
  expect(readWebhook(body, options)).toEqual([{ type: 'ignored', why: 'not a BlueBubbles webhook' }])
})
