import { afterEach, describe, expect, it } from 'vitest'
import { createRuntime, type Log } from '../runtime.ts'
import { createPoster, type Poster, type PosterOptions } from './post.ts'
import { type Receiver, startReceiver } from './receiver.test-rig.ts'
import { refuseHost } from './resolve.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const runtime = createRuntime(silent)
const never = new AbortController().signal
const open: (() => Promise<void>)[] = []

function poster(options: Partial<PosterOptions> = {}): Poster {
  const made = createPoster({ allowPrivate: true, runtime, ...options })
  open.push(() => made.close())
  return made
}

async function receiver(answer: Parameters<typeof startReceiver>[0]): Promise<Receiver> {
  const made = await startReceiver(answer)
  open.push(() => made.close())
  return made
}

afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const post = (from: Poster, url: string, signal = never) => from.post({ url, headers: { 'webhook-id': 'evt_1' }, body: '{"a":"ü"}', signal })

describe('an answer', () => {
  it('2xx is success, with the body that was sent and the answer as text', async () => {
    const there = await receiver((_, response) => response.writeHead(202).end('thanks'))
    expect(await post(poster(), `${there.url}?x=1`)).toMatchObject({ statusCode: 202, error: null, retryAfterMs: null, response: 'thanks' })
    expect(there.received).toMatchObject([
      { path: '/hook?x=1', body: '{"a":"ü"}', headers: { 'content-type': 'application/json', 'webhook-id': 'evt_1' } },
    ])
  })

  it('5xx is an error and carries Retry-After', async () => {
    const there = await receiver((_, response) => response.writeHead(503, { 'retry-after': '30' }).end('busy'))
    expect(await post(poster(), there.url)).toMatchObject({ statusCode: 503, error: 'HTTP 503', retryAfterMs: 30_000, response: 'busy' })
  })

  it('a redirect is an error and is not followed', async () => {
    const target = await receiver((_, response) => response.end())
    const there = await receiver((_, response) => response.writeHead(307, { location: target.url }).end())
    expect(await post(poster(), there.url)).toMatchObject({ statusCode: 307, error: 'HTTP 307: redirects are not followed' })
    expect(target.received).toHaveLength(0)
  })

  it('is read to 64 kB and shown to 1 kB, whole characters only', async () => {
    const there = await receiver((_, response) => {
      response.writeHead(200)
      const more = () => {
        while (!response.destroyed && response.write('é'.repeat(8_000))) {}
      }
      response.on('drain', more)
      response.write('x')
      more()
    })
    const result = await post(poster(), there.url)
    expect(result).toMatchObject({ statusCode: 200, error: null })
    expect(result.response).toBe(`x${'é'.repeat(511)}`)
  })
})

describe('no answer', () => {
  it('none at all ends at the time limit', async () => {
    const there = await receiver(() => {})
    const result = await post(poster({ timeoutMs: 60 }), there.url)
    expect(result).toMatchObject({ statusCode: null, error: 'no complete answer within 60 ms' })
    expect(result.latencyMs).toBeGreaterThanOrEqual(59)
  })

  it('a body that trickles for ever ends at the time limit too', async () => {
    const there = await receiver((_, response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write('.'), 5)
      response.on('close', () => clearInterval(drip))
    })
    expect(await post(poster({ timeoutMs: 80 }), there.url)).toMatchObject({ statusCode: 200, error: 'no complete answer within 80 ms' })
  })

  it('a refused connection is named without the address', async () => {
    const there = await startReceiver(() => {})
    await there.close()
    const result = await post(poster(), there.url)
    expect(result).toMatchObject({ statusCode: null, error: 'connection refused' })
    expect(result.error).not.toContain('127')
  })

  it('a connection cut in the middle is an error', async () => {
    const there = await receiver((_, response) => response.socket?.destroy())
    expect(await post(poster(), there.url)).toMatchObject({ statusCode: null, error: expect.stringMatching(/^connection/) })
  })

  it('ends when it is called off, before or in between', async () => {
    const there = await receiver(() => {})
    const from = poster()
    const control = new AbortController()
    const running = post(from, there.url, control.signal)
    await there.count(1)
    control.abort()
    expect(await running).toMatchObject({ error: 'called off' })
    expect(await post(from, there.url, control.signal)).toMatchObject({ error: 'called off' })
    expect(there.received).toHaveLength(1)
  })

  it('ends when the poster is closed', async () => {
    const there = await receiver(() => {})
    const from = poster()
    const running = post(from, there.url)
    await there.count(1)
    await from.close()
    expect((await running).error).not.toBeNull()
    expect((await post(from, there.url)).error).not.toBeNull()
  })

  it('never throws on headers that cannot be sent', async () => {
    const there = await receiver((_, response) => response.end())
    const result = await poster().post({ url: there.url, headers: { 'x-correlation-id': 'a\r\nx-evil: 1' }, body: '{}', signal: never })
    expect(result.error).not.toBeNull()
    expect(there.received).toHaveLength(0)
  })
})

describe('the guard at connect time', () => {
  const strict = { allowPrivate: false }

  it('refuses literal private addresses without touching them', async () => {
    const there = await receiver((_, response) => response.end())
    const from = poster(strict)
    for (const host of ['127.0.0.1', '127.1', '2130706433', '[::ffff:127.0.0.1]', '0.0.0.0']) {
      expect(await post(from, `http://${host}:${there.port}/`)).toMatchObject({ statusCode: null, error: expect.stringMatching(/^refused: /) })
    }
    expect(there.received).toHaveLength(0)
  })

  it.each([['127.0.0.1'], ['10.0.0.8'], ['::1'], ['169.254.169.254'], ['64:ff9b::7f00:1']])(
    'refuses a public name that leads to %s',
    async (address) => {
      const there = await receiver((_, response) => response.end())
      const from = poster({ ...strict, resolve: async () => [address] })
      expect(await post(from, `http://hook.example.com:${there.port}/`)).toMatchObject({
        error: expect.stringMatching(/^refused: the address is not public/),
      })
      expect(there.received).toHaveLength(0)
    },
  )

  it('refuses when only one of several addresses is private', async () => {
    const from = poster({ ...strict, resolve: async () => ['93.184.216.34', '127.0.0.1'] })
    expect(await post(from, 'http://hook.example.com/')).toMatchObject({ error: 'refused: the address is not public (loopback)' })
  })

  it('a name whose answer changes after it was checked gains nothing', async () => {
    const there = await receiver((_, response) => response.end())
    const answers = ['93.184.216.34', '127.0.0.1']
    const resolve = async () => [answers.shift() ?? '127.0.0.1']
    expect(await refuseHost('hook.example.com', resolve, strict)).toBeNull()
    expect(await post(poster({ ...strict, resolve }), `http://hook.example.com:${there.port}/`)).toMatchObject({
      error: expect.stringMatching(/^refused/),
    })
    expect(there.received).toHaveLength(0)
  })

  it('connects to the addresses that were resolved, and asks once per socket, not per post', async () => {
    const there = await receiver((_, response) => response.end())
    let asked = 0
    const resolve = async () => {
      asked++
      return ['127.0.0.1']
    }
    const from = poster({ resolve })
    for (let i = 0; i < 20; i++) expect(await post(from, `http://hook.example.com:${there.port}/`)).toMatchObject({ statusCode: 200, error: null })
    expect(asked).toBeLessThanOrEqual(2)
  })

  it('names that do not resolve, resolve to nothing or to rubbish are errors', async () => {
    const failing = Object.assign(new Error('x'), { code: 'ENOTFOUND' })
    expect(await post(poster({ resolve: () => Promise.reject(failing) }), 'http://a.example.com/')).toMatchObject({
      error: 'the name does not resolve',
    })
    expect(await post(poster({ resolve: async () => [] }), 'http://a.example.com/')).toMatchObject({ error: 'the name does not resolve' })
    expect(await post(poster({ resolve: async () => ['rubbish'] }), 'http://a.example.com/')).toMatchObject({
      error: expect.stringMatching(/^refused/),
    })
  })
})

describe('sockets', () => {
  it('one origin that hangs does not delay another', async () => {
    const dead = await receiver(() => {})
    const alive = await receiver((_, response) => response.end('ok'))
    const from = poster({ socketsPerOriginMax: 2 })
    const hanging = Array.from({ length: 10 }, () => post(from, dead.url))
    await dead.count(2)
    const results = await Promise.all(Array.from({ length: 20 }, () => post(from, alive.url)))
    expect(results.every((result) => result.error === null)).toBe(true)
    expect(dead.received).toHaveLength(2)
    await from.close()
    await Promise.all(hanging)
  })

  it('what was given up while it waited for a socket is not sent afterwards', async () => {
    const held: (() => void)[] = []
    const there = await receiver((_, response) => (held.length === 0 ? held.push(() => response.end()) : response.end()))
    const from = poster({ socketsPerOriginMax: 1 })
    const send = (body: string, signal = never) => from.post({ url: there.url, headers: {}, body, signal })
    const first = send('first')
    await there.count(1)
    const control = new AbortController()
    const second = send('second', control.signal)
    control.abort()
    expect(await second).toMatchObject({ error: 'called off' })
    held[0]?.()
    expect(await first).toMatchObject({ error: null })
    expect(await send('third')).toMatchObject({ error: null })
    expect(there.received.map(({ body }) => body)).toEqual(['first', 'third'])
  })
})
