import { AppError } from '@trunkline/core'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createEngineFake, createRig } from './engine.test-rig.ts'
import { readKey } from './idempotency.ts'
import { message } from './records.test-rig.ts'

const send = { message: 'Hi', recipientPhone: '+15005550001' }
const withKey = (key: string) => ({ 'idempotency-key': key })

/** A rig whose accept is `accept`, and how often it was called with which reserved id. */
function rigOf(accept?: (id: string | undefined) => Promise<typeof message>) {
  const engine = createEngineFake()
  const ids: (string | undefined)[] = []
  const rig = createRig({
    engine: {
      messages: {
        ...engine.messages,
        accept: (_caller, _input, reserved) => {
          ids.push(reserved?.id)
          return accept?.(reserved?.id) ?? Promise.resolve({ ...message, id: reserved?.id ?? 'msg_none' })
        },
      },
    },
  })
  return { ...rig, ids }
}

describe('readKey', () => {
  it('takes a key bare or as a structured-field string', () => {
    expect(readKey('abc-1')).toBe('abc-1')
    expect(readKey('"abc-1"')).toBe('abc-1')
    expect(readKey('"a\\"b\\\\c"')).toBe('a"b\\c')
    expect(readKey('x'.repeat(255))).toHaveLength(255)
  })
  it.each(['', '""', 'a b', 'x'.repeat(256), 'ü', '"a", "b"', 'a\tb'])('refuses %j', (header) => {
    expect(() => readKey(header)).toThrow(AppError)
  })
})

describe('a write with Idempotency-Key', () => {
  it('runs once and answers the same bytes again', async () => {
    const rig = rigOf()
    const first = await rig.call('POST', '/api/messages', send, withKey('k'))
    const again = await rig.call('POST', '/api/messages', send, withKey('"k"'))
    expect([first.status, again.status]).toEqual([201, 201])
    expect(await again.text()).toBe(await first.text())
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(rig.ids).toHaveLength(1)
    expect(rig.ids[0]).toMatch(/^msg_/)
  })

  it('runs once for many at the same time: the others hear 409 and when to come back', async () => {
    const { promise, resolve } = Promise.withResolvers<typeof message>()
    const rig = rigOf(() => promise)
    const all = Array.from({ length: 20 }, () => rig.call('POST', '/api/messages', send, withKey('k')))
    const others = await Promise.all(all.slice(1))
    expect(others.map(({ status }) => status)).toEqual(others.map(() => 409))
    expect(others[0]?.headers.get('retry-after')).toBe('1')
    expect(await others[0]?.json()).toMatchObject({ code: 'IDEMPOTENCY_RUNNING' })
    resolve(message)
    expect((await all[0])?.status).toBe(201)
    expect(rig.ids).toHaveLength(1)
  })

  it('answers 422 for another body, path or query', async () => {
    const rig = rigOf()
    await rig.call('POST', '/api/messages', send, withKey('k'))
    for (const [path, body] of [
      ['/api/messages', { ...send, message: 'Ho' }],
      ['/api/messages?a=1', send],
      ['/api/leads', send],
    ] as const) {
      const response = await rig.call('POST', path, body, withKey('k'))
      expect(response.status).toBe(422)
      expect(await response.json()).toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' })
    }
    expect(rig.ids).toHaveLength(1)
  })

  it('replays a refusal too', async () => {
    const rig = rigOf(() => Promise.reject(new AppError('OPTED_OUT', 'no')))
    const first = await rig.call('POST', '/api/messages', send, withKey('k'))
    const again = await rig.call('POST', '/api/messages', send, withKey('k'))
    expect([first.status, again.status]).toEqual([403, 403])
    expect(again.headers.get('content-type')).toBe('application/problem+json')
    expect(await again.text()).toBe(await first.text())
    expect(rig.ids).toHaveLength(1)
  })

  it('keeps no 5xx: the retry runs again at once, with the id of the first, for that one may have happened', async () => {
    let calls = 0
    const rig = rigOf((id) => (++calls === 1 ? Promise.reject(new Error('connection lost')) : Promise.resolve({ ...message, id: id ?? '' })))
    expect((await rig.call('POST', '/api/messages', send, withKey('k'))).status).toBe(500)
    expect((await rig.call('POST', '/api/messages', send, withKey('k'))).status).toBe(201)
    expect(rig.ids[1]).toBe(rig.ids[0])
    expect((await rig.call('POST', '/api/messages', send, withKey('k'))).headers.get('idempotent-replayed')).toBe('true')
  })

  it('keeps no refusal that passes by itself', async () => {
    let calls = 0
    const rig = rigOf(() => (++calls === 1 ? Promise.reject(new AppError('CONFLICT', 'again')) : Promise.resolve(message)))
    expect((await rig.call('POST', '/api/messages', send, withKey('k'))).status).toBe(409)
    expect((await rig.call('POST', '/api/messages', send, withKey('k'))).status).toBe(201)
  })

  it('takes over, after a minute, what a dead process left, with the id it had reserved', async () => {
    const { promise: never } = Promise.withResolvers<typeof message>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const rig = rigOf(() => {
      if (rig.ids.length > 1) return Promise.resolve(message)
      begin()
      return never
    })
    void rig.call('POST', '/api/messages', send, withKey('k'))
    await begun
    rig.clock.advance(59_000)
    expect((await rig.call('POST', '/api/messages', send, withKey('k'))).status).toBe(409)
    rig.clock.advance(2_000)
    expect((await rig.call('POST', '/api/messages', send, withKey('k'))).status).toBe(201)
    expect(rig.ids[1]).toBe(rig.ids[0])
  })

  it('takes over at once what was left from before the start, where no other process works on the store', async () => {
    const { promise: never } = Promise.withResolvers<typeof message>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const dead = rigOf(() => {
      begin()
      return never
    })
    void dead.call('POST', '/api/messages', send, withKey('k'))
    await begun
    const takenOver = async (isAlone: boolean) => {
      const rig = createRig({ engine: { ...dead.engine, metrics: new Registry() }, config: { isAlone }, startsLaterMs: 10 })
      return (await rig.call('POST', '/api/messages', send, withKey('k'))).status
    }
    expect(await takenOver(false)).toBe(409)
    dead.engine.messages.accept = (_caller, _input, reserved) => Promise.resolve({ ...message, id: reserved?.id ?? 'msg_none' })
    expect(await takenOver(true)).toBe(201)
  })

  it('forgets after a day', async () => {
    const rig = rigOf()
    await rig.call('POST', '/api/messages', send, withKey('k'))
    rig.clock.advance(24 * 60 * 60_000 + 1)
    await rig.call('POST', '/api/messages', send, withKey('k'))
    expect(rig.ids).toHaveLength(2)
    expect(rig.ids[1]).not.toBe(rig.ids[0])
  })

  it('refuses a key it cannot read with 400, and reserves nothing without one', async () => {
    const rig = rigOf()
    expect((await rig.call('POST', '/api/messages', send, withKey('a b'))).status).toBe(400)
    await rig.call('POST', '/api/messages', send)
    expect(rig.ids).toEqual([undefined])
  })

  it('replays an answer without a body', async () => {
    const rig = createRig()
    const first = await rig.call('DELETE', '/api/leads/lead_1', undefined, withKey('k'))
    const again = await rig.call('DELETE', '/api/leads/lead_1', undefined, withKey('k'))
    expect([first.status, again.status]).toEqual([204, 204])
    expect(again.headers.get('idempotent-replayed')).toBe('true')
  })

  it('keeps an answer with a secret sealed, and shows it to the one who asks again', async () => {
    const stored: string[] = []
    const engine = createEngineFake()
    const { finish } = engine.idempotency
    engine.idempotency.finish = (workspaceId, key, answer) => {
      stored.push(answer.body)
      return finish(workspaceId, key, answer)
    }
    const rig = createRig({ engine })
    const first = await rig.call('POST', '/api/keys', { name: 'CI', scopes: ['read'] }, withKey('k'))
    const again = await rig.call('POST', '/api/keys', { name: 'CI', scopes: ['read'] }, withKey('k'))
    expect(await again.text()).toBe(await first.text())
    expect(stored[0]).toMatch(/^sealed:/)
    expect(stored[0]).not.toContain('tl_new-secret')
  })
})
