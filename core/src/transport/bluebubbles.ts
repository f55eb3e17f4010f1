import { parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { z } from 'zod'
import { type Attachment, downloadAttachments } from './attachments.ts'
import { type BlueBubblesClient, type Call, createBlueBubblesClient } from './bluebubbles-client.ts'
import { failure, lookUp } from './bluebubbles-lookup.ts'
import { readWebhook } from './bluebubbles-receive.ts'
import { judgeSend, type Verdict } from './bluebubbles-verdict.ts'
import type { CheckResult, Checkup, SendRequest, SendResult, TransportContext, TransportKind } from './transport.ts'

const settings = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .refine((text) => {
      const url = URL.parse(text)
      return url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
    }, 'the address of the server only: no credentials, no query')
    .meta({ title: 'Server address', description: 'Where BlueBubbles answers, e.g. https://mac.example.com:1234' }),
  password: z.string().min(1).max(500).meta({ secret: true, title: 'Server password' }),
  method: z.enum(['private-api', 'apple-script']).default('apple-script').meta({ title: 'How messages are sent' }),
})

type Method = z.output<typeof settings>['method']

const available = z.looseObject({ available: z.boolean() })
const serverInfo = z.looseObject({ private_api: z.boolean().catch(false), helper_connected: z.boolean().catch(false) })

/** iMessage by a Mac that runs BlueBubbles server 1.9 (vendors.md §4.1). */
export const bluebubbles: TransportKind = {
  type: 'bluebubbles',
  channels: ['imessage'],
  settings,
  noGaps: false,
  open(context) {
    const { url, password, method } = settings.parse(context.settings)
    const { runtime, timeoutMs, allowPrivate } = context
    const client = createBlueBubblesClient({ url, password, runtime, timeoutMs, allowPrivate })
    // A sender's number without a country is one of the Mac's own region: that of the line.
    const countryCode = `+${parsePhoneNumberFromString(context.line.phone ?? '')?.countryCallingCode ?? '1'}`
    return {
      send: (request, signal) => send({ client, context, method }, request, signal),
      lookup: (request, signal) => lookUp(client, request, signal),
      check: (address, signal) => check(client, address, signal),
      checkup: (signal) => checkup(client, method, signal),
      receive: (body) => readWebhook(body, { now: runtime.now(), countryCode }),
      close: () => client.close(),
    }
  },
}

interface Way {
  client: BlueBubblesClient
  context: TransportContext
  method: Method
}

/**
 * A message is one unit, and its first part decides what became of it: the words, or the first file when there are none. Everything is
 * fetched before anything is sent; the words go first because only they can open a conversation, and because a person who got them got
 * the message. A file that fails after that is told in `detail` and never makes the message one that is sent again: that would send the
 * words twice.
 */
async function send({ client, context, method }: Way, request: SendRequest, signal: AbortSignal): Promise<SendResult> {
  const { runtime, timeoutMs, allowPrivateFetch } = context
  const fetched = await downloadAttachments(request.attachmentUrls, { runtime, timeoutMs, allowPrivate: allowPrivateFetch, signal })
  if (fetched.type === 'gone') return { type: 'refused', class: 'content', code: 'attachment_unavailable', detail: fetched.why }
  if (fetched.type === 'unavailable') return { type: 'unavailable', why: fetched.why, fault: 'content' }

  const files = [...fetched.attachments]
  const chatGuid = `iMessage;-;${request.address}`
  let first: Verdict
  if (request.text === '') {
    const file = files.shift()
    if (file === undefined) return { type: 'refused', class: 'content', code: 'empty', detail: 'neither text nor attachments' }
    first = judgeSend(await sendFile(client, { chatGuid, method, tempGuid: request.attemptId, file }, signal))
  } else {
    const said = { message: request.text, tempGuid: request.attemptId, method }
    first = judgeSend(await client.call({ method: 'POST', path: '/message/text', json: { chatGuid, ...said } }, signal))
    if (first.type === 'no_chat') {
      const opened = { addresses: [request.address], service: 'iMessage', ...said }
      first = judgeSend(await client.call({ method: 'POST', path: '/chat/new', json: opened }, signal))
    }
  }
  if (first.type === 'no_chat') {
    return {
      type: 'refused',
      class: 'content',
      code: 'chat_missing',
      detail: 'a first message to somebody needs words: the bridge opens no chat with a file alone',
    }
  }
  if (first.type !== 'accepted') return first

  const lost: string[] = []
  for (const [index, file] of files.entries()) {
    // A temporary id of its own, that is no attempt id: what becomes of a file is no receipt for the message.
    const tempGuid = `${request.attemptId}-file-${index + 1}`
    const went = judgeSend(await sendFile(client, { chatGuid, method, tempGuid, file }, signal))
    if (went.type !== 'accepted')
      lost.push(`file ${index + 1} of ${files.length}: ${'why' in went ? went.why : went.type === 'refused' ? went.detail : 'no chat'}`)
  }
  return lost.length === 0 ? first : { ...first, detail: `the text went; not every file did (${lost.join('; ')})`.slice(0, 500) }
}

interface FileSend {
  chatGuid: string
  method: Method
  tempGuid: string
  file: Attachment
}

function sendFile(client: BlueBubblesClient, { chatGuid, method, tempGuid, file }: FileSend, signal: AbortSignal): Promise<Call> {
  const form = new FormData()
  form.set('chatGuid', chatGuid)
  form.set('tempGuid', tempGuid)
  form.set('name', file.name)
  form.set('method', method)
  form.set('attachment', new Blob([new Uint8Array(file.content)], { type: file.mimeType }), file.name)
  return client.call({ method: 'POST', path: '/message/attachment', form }, signal)
}

async function check(client: BlueBubblesClient, address: string, signal: AbortSignal): Promise<CheckResult> {
  const call = await client.call({ method: 'GET', path: '/handle/availability/imessage', query: { address } }, signal)
  const answer = call.type === 'answer' && call.status === 200 ? available.safeParse(call.body?.data) : null
  if (answer?.success) return { type: 'answer', available: answer.data.available }
  return { type: 'error', why: failure(call) }
}

async function checkup(client: BlueBubblesClient, method: Method, signal: AbortSignal): Promise<Checkup> {
  const ping = await client.call({ method: 'GET', path: '/ping' }, signal)
  if (ping.type !== 'answer' || ping.status !== 200 || ping.body?.data !== 'pong')
    return { ok: false, why: failure(ping), canCheckAvailability: false }
  const call = await client.call({ method: 'GET', path: '/server/info' }, signal)
  const info = call.type === 'answer' && call.status === 200 ? serverInfo.safeParse(call.body?.data) : null
  if (!info?.success) return { ok: false, why: failure(call), canCheckAvailability: false }
  // The Private API is what answers availability, whatever the method of sending.
  const helper = info.data.private_api && info.data.helper_connected
  if (method === 'private-api' && !helper) return { ok: false, why: 'the Private API helper is not connected', canCheckAvailability: false }
  return { ok: true, why: null, canCheckAvailability: helper }
}
