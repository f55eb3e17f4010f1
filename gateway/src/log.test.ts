import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createLog, type LogParts, maskAddress } from './log.ts'
import { cleanText } from './log-clean.ts'

function rig(parts: Partial<LogParts> = {}) {
  const lines: string[] = []
  const log = createLog({ level: 'info', pretty: false, ...parts, destination: { write: (line) => lines.push(line) } })
  const only = () => {
    expect(lines).toHaveLength(1)
    return z.record(z.string(), z.unknown()).parse(JSON.parse(lines[0] ?? ''))
  }
  return { log, lines, only }
}

describe('a line', () => {
  test('is JSON with a level by name, an ISO time, the message and the fields', () => {
    const { log, only } = rig()
    log.info({ workspaceId: 'ws_1', latencyMs: 12, written: true, nextAt: new Date(0), reasons: ['a', 'b'], code: null }, 'delivery.attempted')
    const { time, ...rest } = only()
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(rest).toEqual({
      level: 'info',
      msg: 'delivery.attempted',
      workspaceId: 'ws_1',
      latencyMs: 12,
      written: true,
      nextAt: '1970-01-01T00:00:00.000Z',
      reasons: ['a', 'b'],
      code: null,
    })
  })

  test('below the level is not written', () => {
    const { log, lines } = rig({ level: 'warn' })
    log.debug({}, 'a')
    log.info({}, 'b')
    expect(lines).toEqual([])
    log.warn({}, 'c')
    log.error({}, 'd')
    expect(lines).toHaveLength(2)
  })

  test('for people says the same on one line, and the stack below', () => {
    const { log, lines } = rig({ pretty: true })
    log.warn({ lineId: 'line_1', error: new TypeError('broken') }, 'it failed')
    const [first, second] = (lines[0] ?? '').split('\n')
    expect(first).toContain('it failed')
    expect(first).toContain('lineId=line_1')
    expect(first).toContain('TypeError: broken')
    expect(second).toMatch(/^ {4}at /)
  })
})

describe('what is not on the list', () => {
  test.each(['body', 'text', 'message', 'password', 'token', 'authorization', 'cookie', 'phone', 'email', 'to', 'headers', 'url', 'settings'])(
    '%s is dropped by name',
    (name) => {
      const { log, lines, only } = rig()
      log.error({ workspaceId: 'ws_1', [name]: 'canary' }, 'x')
      expect(lines.join('')).not.toContain('canary')
      expect(only().dropped).toEqual([name])
    },
  )

  test('a whole object is dropped even under a name that may be logged', () => {
    const { log, lines, only } = rig()
    log.error({ event: { data: { text: 'canary' } }, reasons: [{ text: 'canary' }] }, 'x')
    expect(lines.join('')).not.toContain('canary')
    expect(only().dropped).toEqual(['event'])
  })
})

describe('addresses', () => {
  test.each([
    ['+15005550001', '+1500•••0001'],
    ['+4915112345678', '+4915•••5678'],
    ['anna@x.test', 'a•••@x.test'],
    ['12345', '•••'],
    ['', '•••'],
    ['@x.test', '•••'],
    ['+1500', '•••'],
  ])('%s is shown as %s, and so is its mask', (address, mask) => {
    expect(maskAddress(address)).toBe(mask)
    expect(maskAddress(mask)).toBe(mask)
  })

  test('are masked in their own field, in any other and in the message', () => {
    const { log, lines, only } = rig()
    log.info({ address: 'anna@x.test', why: 'refused +15005550004 and <anna.b+c@mail.x.test>' }, 'to +15005550001')
    expect(only()).toMatchObject({ address: 'a•••@x.test', why: 'refused +1500•••0004 and <a•••@mail.x.test>', msg: 'to +1500•••0001' })
    expect(lines.join('')).not.toMatch(/5550001|5550004|anna/)
  })
})

describe('secrets in texts', () => {
  test.each([
    ['connect to postgres://hub:canary@db.test/hub failed', 'connect to postgres://db.test/hub failed'],
    ['POST https://mac.test/api/v1/message/text?guid=canary&x=1 timed out', 'POST https://mac.test/api/v1/message/text timed out'],
    ['see https://x.test/a#canary.', 'see https://x.test/a'],
    ['Authorization: Bearer canary', 'Authorization: Bearer •••'],
    ['key tl_canary was refused', 'key tl_••• was refused'],
    ['whsec_canary+/=', 'whsec_•••+/='],
    ['secret 0123456789abcdef0123456789abcdef.', 'secret •••.'],
    ['eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.x', '•••.x'],
    ['mail%40: anna%40x.test', 'mail%40: a•••@x.test'],
  ])('%s', (text, clean) => {
    expect(cleanText(text)).toBe(clean)
  })

  test.each([
    'msg_01J8Z3K4M5N6P7Q8R9S0T1V2W3 is held',
    'dlv_01J8Z3K4M5N6P7Q8R9S0T1V2W3_01J8Z3K4M5N6P7Q8R9S0T1V2W3',
    '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
    'at processTicksAndRejections (node:internal/process/task_queues:105:5)',
    'at deliver (file:///srv/trunkline/core/src/event/deliver.ts:101:22)',
    'HTTP 503 after 15000 ms',
  ])('stays: %s', (text) => {
    expect(cleanText(text)).toBe(text)
  })

  test('a long hostile text takes no time and little room', () => {
    const { log, lines } = rig()
    const startedAt = performance.now()
    const pieces = ['a', '@', '+1', 'a://', '%40', 'a@', '-', 'Bearer ', 'a@b-', 'x://@']
    for (const piece of pieces) log.info({ why: piece.repeat(100_000) }, 'x')
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(lines.map((line) => line.length < 700)).toEqual(pieces.map(() => true))
  })
})

describe('errors', () => {
  test('keep type, message, code, stack and cause, and lose what a library hung on them', () => {
    const cause = Object.assign(new Error('GET https://x.test/?token=canary'), {
      code: 'ECONNRESET',
      config: { headers: { authorization: 'canary' } },
    })
    const { log, lines, only } = rig()
    log.error({ error: new RangeError('for anna@x.test', { cause }) }, 'x')
    const error = z.looseObject({ type: z.string(), stack: z.string() }).parse(only().error)
    expect(error).toMatchObject({
      type: 'RangeError',
      message: 'for a•••@x.test',
      cause: { type: 'Error', message: 'GET https://x.test/', code: 'ECONNRESET' },
    })
    expect(error.stack).toContain('log.test.ts')
    expect(lines.join('')).not.toMatch(/canary|anna/)
  })

  test('that are none are told by type; a circle of causes ends', () => {
    const circle = new Error('round')
    circle.cause = circle
    const { log, lines } = rig()
    log.error({ error: { secret: 'canary' } }, 'x')
    log.error({ err: circle }, 'x')
    expect(lines.join('')).not.toContain('canary')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ error: { type: 'object' } })
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ error: { message: 'round', cause: { message: 'round' } } })
  })
})

test('the correlation id passes whole', () => {
  const { log, only } = rig()
  log.info({ correlationId: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }, 'x')
  expect(only().correlationId).toBe('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
})
