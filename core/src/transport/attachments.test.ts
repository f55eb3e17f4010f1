import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createRuntime } from '../runtime.ts'
import { createMovedClock, silentLog } from '../testing/moved-clock.ts'
import { attachmentBytesMax, downloadAttachments } from './attachments.ts'

const options = { runtime: createRuntime(silentLog), allowPrivate: true, timeoutMs: 5_000, signal: new AbortController().signal }
let handler: RequestListener
let seen: string[]
let close: () => Promise<unknown>
let url: string

beforeEach(async () => {
  seen = []
  const server = createServer((request, response) => {
    seen.push(request.url ?? '')
    handler(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = () => {
    server.closeAllConnections()
    server.close()
    return once(server, 'close')
  }
})

afterEach(() => close())

test('brings bytes, type and a name that harms nothing', async () => {
  handler = (_, response) => response.writeHead(200, { 'content-type': 'image/png; charset=x' }).end(Buffer.from([0, 255]))
  const result = await downloadAttachments([`${url}/a/..%2F..%2Fetc%2Fpass%0d%0awd.png?x=1`, `${url}/`, `${url}/%E0%A4%A`], options)
  expect(result).toEqual({
    type: 'done',
    attachments: [
      { name: '_.._etc_pass__wd.png', mimeType: 'image/png', content: Buffer.from([0, 255]) },
      { name: 'attachment', mimeType: 'image/png', content: Buffer.from([0, 255]) },
      { name: '_E0_A4_A', mimeType: 'image/png', content: Buffer.from([0, 255]) },
    ],
  })
})

test.each([
  [404, 'gone'],
  [403, 'gone'],
  [301, 'gone'],
  [204, 'gone'],
  [408, 'unavailable'],
  [429, 'unavailable'],
  [503, 'unavailable'],
])('%i is %s', async (status, type) => {
  handler = (_, response) => response.writeHead(status, { location: `${url}/elsewhere` }).end()
  expect(await downloadAttachments([`${url}/a`], options)).toEqual({ type, why: `attachment 1 of 1 answered ${status}` })
  expect(seen).toEqual(['/a'])
})

test('an empty file is none', async () => {
  handler = (_, response) => response.writeHead(200).end()
  expect(await downloadAttachments([`${url}/a`], options)).toEqual({ type: 'gone', why: 'attachment 1 of 1 is empty' })
})

test('all files of a message together have a size, whatever each says about itself', async () => {
  handler = (_, response) => response.writeHead(200).end(Buffer.alloc(attachmentBytesMax / 2 + 1))
  expect(await downloadAttachments([`${url}/a`, `${url}/b`], options)).toEqual({
    type: 'gone',
    why: 'attachment 2 of 2 makes the message larger than 25 MB',
  })
})

test.each(['file:///etc/passwd', 'data:text/plain,x', 'not an address'])('%s is not fetched', async (address) => {
  expect(await downloadAttachments([address], options)).toMatchObject({ type: 'gone', why: 'attachment 1 of 1 has no http(s) address' })
})

test.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]'])('%s is not connected to', async (host) => {
  handler = (_, response) => response.end('secret')
  const target = url.replace('127.0.0.1', host)
  expect(await downloadAttachments([target], { ...options, allowPrivate: false })).toMatchObject({
    type: 'gone',
    why: expect.stringContaining('may not be called'),
  })
  expect(seen).toEqual([])
})

test('a server that stalls is given up on, and nothing was sent', async () => {
  const clock = createMovedClock()
  const asked = Promise.withResolvers<void>()
  handler = () => asked.resolve()
  const fetching = downloadAttachments([`${url}/a`], { ...options, runtime: clock.runtime })
  await asked.promise
  await clock.advance(5_000)
  expect(await fetching).toEqual({ type: 'unavailable', why: 'attachment 1 of 1 could not be fetched' })
})
