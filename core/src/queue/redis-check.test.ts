import { afterEach, describe, expect, test } from 'vitest'
import { freePort, hasRedis, type RedisServer, type RedisSettings, startRedis } from '../testing/servers/redis.ts'
import { checkRedis } from './redis-check.ts'

const title = hasRedis() ? 'boot' : 'boot (skipped: put redis-server on the PATH to run it)'

describe.skipIf(!hasRedis())(title, () => {
  let server: RedisServer | null = null
  afterEach(() => server?.stop())

  async function check(settings: RedisSettings): Promise<string> {
    server = await startRedis(settings)
    return checkRedis(server.url).then(
      () => 'taken',
      (error: Error) => error.message,
    )
  }

  test('takes a Redis that writes down and never evicts', async () => {
    expect(await check({ appendonly: true, policy: 'noeviction' })).toBe('taken')
  })

  test.each(['allkeys-lru', 'volatile-ttl', 'allkeys-random'])('refuses one that evicts by %s, and says how to mend it', async (policy) => {
    const message = await check({ appendonly: true, policy })
    expect(message).toContain(`maxmemory-policy is "${policy}"`)
    expect(message).toContain('set "maxmemory-policy noeviction"')
    expect(message).not.toContain('appendonly')
  })

  test('refuses one that writes nothing down, and says how to mend it', async () => {
    const message = await check({ appendonly: false })
    expect(message).toContain('appendonly is "no"')
    expect(message).toContain('set "appendonly yes"')
    expect(message).not.toContain('maxmemory-policy')
  })

  test('names both faults at once', async () => {
    const message = await check({ appendonly: false, policy: 'allkeys-lfu' })
    expect(message).toContain('maxmemory-policy is "allkeys-lfu"')
    expect(message).toContain('appendonly is "no"')
  })

  test.each([
    [{ appendonly: true }, 'taken'],
    [{ appendonly: true, policy: 'allkeys-lru' }, 'maxmemory-policy is "allkeys-lru"'],
    [{ appendonly: false }, 'appendonly is "no"'],
  ])('asks INFO where CONFIG is forbidden: %j', async (settings, answer) => {
    expect(await check({ ...settings, without: ['CONFIG'] })).toContain(answer)
  })

  test('takes a password, and says when it is wrong without telling it', async () => {
    expect(await check({ password: 'right-secret' })).toBe('taken')
    const message = await checkRedis(`redis://:wrong-secret@127.0.0.1:${server?.port}`).catch((error: Error) => error.message)
    expect(message).toMatch(/127\.0\.0\.1:\d+ cannot be used: WRONGPASS/)
    expect(message).not.toContain('secret')
  })

  test('says that nobody answers', async () => {
    const port = await freePort()
    await expect(checkRedis(`redis://:secret@127.0.0.1:${port}/0`)).rejects.toThrow(`Redis at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED`)
  })
})

test('an address that is none is refused without being repeated', async () => {
  await expect(checkRedis('not a url secret')).rejects.toThrow(/^(?!.*secret).*not a URL/)
  await expect(checkRedis('http://:secret@localhost')).rejects.toThrow(/^(?!.*secret).*begins with "http:"/)
})
