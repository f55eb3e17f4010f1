import { describe, expect, test } from 'vitest'
import { startCuttingProxy, startFakeBlueBubbles } from '../testing/fakes/index.ts'
import { sendRequestTo } from '../testing/transport-suite.ts'
import { freePort, never, open, password, startWeb, to } from './bluebubbles.test-rig.ts'
import { bluebubbles } from './bluebubbles.ts'

test('broken at any byte of the answer: unknown or, when it was whole, accepted; the ledger has it once', async () => {
  const fake = await startFakeBlueBubbles({ password })
  const proxy = await startCuttingProxy(fake)
  const through = open({ url: `http://127.0.0.1:${proxy.port}` })
  for (const how of ['reset', 'end'] as const) {
    for (const afterBytes of [0, 1, 17, 120, 250, 400, 600]) {
      const before = fake.ledger.length
      proxy.cut({ direction: 'answer', afterBytes, how })
      const result = await through.send(sendRequestTo(to), never)
      expect(result, `${how} after ${afterBytes}`).toMatchObject({ type: 'unknown' })
      expect(fake.ledger.length - before).toBe(1)
    }
  }
  proxy.cut(null)
  expect(await through.send(sendRequestTo(to), never)).toMatchObject({ type: 'accepted' })
  await proxy.close()
  await through.close()
  await fake.close()
})

test('broken at any byte of the request: unknown, because bytes left', async () => {
  const fake = await startFakeBlueBubbles({ password })
  const proxy = await startCuttingProxy(fake)
  const through = open({ url: `http://127.0.0.1:${proxy.port}` })
  for (const afterBytes of [0, 1, 60, 200]) {
    proxy.cut({ direction: 'request', afterBytes, how: 'reset' })
    expect(await through.send(sendRequestTo(to), never)).toMatchObject({ type: 'unknown' })
  }
  expect(fake.ledger).toEqual([])
  await proxy.close()
  await through.close()
  await fake.close()
})

describe('where no BlueBubbles answers', () => {
  test.each([
    ['a port on which nobody listens', async () => `http://127.0.0.1:${await freePort()}`, 'the connection was refused'],
    ['a name that leads nowhere', async () => 'http://no-such-bridge.invalid:1234', 'its name cannot be resolved'],
  ])('%s: surely not sent', async (_, url, why) => {
    const transport = open({ url: await url() })
    expect(await transport.send(sendRequestTo(to), never)).toEqual({ type: 'unavailable', why: expect.stringContaining(why) })
    await transport.close()
  })

  test.each(['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1', 'http://2130706433:1'])(
    '%s is not connected to unless the operator allows it',
    async (url) => {
      const transport = open({ url, allowPrivate: false })
      expect(await transport.send(sendRequestTo(to), never)).toEqual({
        type: 'unavailable',
        why: 'its address may not be called (ALLOW_PRIVATE_ADDRESSES)',
      })
      await transport.close()
    },
  )

  test.each([
    [{ status: 404, body: '<html>no such tunnel' }, { type: 'unavailable' }],
    [{ status: 502, body: '<html>bad gateway' }, { type: 'unknown' }],
    [{ status: 200, body: '<html>welcome' }, { type: 'unknown' }],
    [{ status: 200, body: 'x'.repeat(1_100_000) }, { type: 'unknown' }],
    [{ status: 301, headers: { location: 'http://127.0.0.1:1/' } }, { type: 'unknown' }],
    [
      { status: 401, body: 'who?' },
      { type: 'refused', class: 'sender' },
    ],
  ])('%o', async (answer, result) => {
    const web = await startWeb(answer)
    const transport = open({ url: web.url })
    expect(await transport.send(sendRequestTo(to), never)).toMatchObject(result)
    expect(web.seen).toHaveLength(1)
    await web.close()
    await transport.close()
  })

  test('a server that echoes the password does not get it into what is told', async () => {
    const echo = JSON.stringify({ status: 500, error: { type: 'Server Error', message: `bad: ${password} ${encodeURIComponent(password)}` } })
    const web = await startWeb({ status: 500, body: echo })
    const transport = open({ url: web.url })
    expect(await transport.send(sendRequestTo(to), never)).toEqual({ type: 'unknown', why: '500: bad: … …' })
    await web.close()
    await transport.close()
  })
})

test.each([
  ['ftp://mac', false],
  ['http://user:pw@mac', false],
  ['http://mac/?password=x', false],
  ['http://mac:1234', true],
  ['https://mac.example.com/bridge/', true],
])('the server address %s: %s', (url, ok) => {
  expect(bluebubbles.settings.safeParse({ url, password: 'x' }).success).toBe(ok)
})

test('a server under a path is called under that path', async () => {
  const web = await startWeb({ status: 200, body: JSON.stringify({ data: 'pong' }) })
  const transport = open({ url: `${web.url}/bridge/` })
  await transport.checkup(never)
  expect(web.seen[0]).toMatch(/^\/bridge\/api\/v1\/ping\?password=/)
  await web.close()
  await transport.close()
})
