import { AppError, type WorkspaceInput } from '@trunkline/core'
import { describe, expect, it } from 'vitest'
import { createEngineFake, createRig, workspace } from './engine.test-rig.ts'

const rig = createRig()
const send = { message: 'Hi', recipientPhone: '+15005550001' }

describe('problem documents', () => {
  it('carry type, title, status, detail, code, error, errors and correlationId', async () => {
    const response = await rig.call('POST', '/api/messages', { ...send, colour: 'red' }, { 'x-correlation-id': 'c-1' })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual({
      type: 'urn:trunkline:problem:validation',
      title: 'The request is not valid',
      status: 400,
      detail: 'colour: unknown field',
      code: 'VALIDATION',
      error: 'colour: unknown field',
      errors: [{ path: 'colour', message: 'unknown field' }],
      correlationId: 'c-1',
    })
  })

  it('404 for an unknown address, 405 with Allow for a wrong method', async () => {
    expect((await rig.call('GET', '/api/nowhere')).status).toBe(404)
    const wrong = await rig.call('DELETE', '/api/messages')
    expect(wrong.status).toBe(405)
    expect(wrong.headers.get('allow')).toBe('GET, HEAD, POST')
    expect((await rig.call('POST', '/api/webhooks/whk_1/deliveries')).headers.get('allow')).toBe('GET, HEAD')
  })

  it.each(['{', '', 'null,', '{"message":}', '\u0000'])('400 for a body that is not JSON: %j', async (body) => {
    expect((await rig.call('POST', '/api/messages', body)).status).toBe(400)
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1'])('415 for %s', async (type) => {
    expect((await rig.call('POST', '/api/messages', send, { 'content-type': type })).status).toBe(415)
  })

  it('takes application/json with a charset', async () => {
    expect((await rig.call('POST', '/api/messages', send, { 'content-type': 'application/json; charset=UTF-8' })).status).toBe(201)
  })

  it('413 for a body that declares, or turns out, to be too large', async () => {
    const declared = await rig.call('POST', '/api/messages', send, { 'content-length': '1048577' })
    expect(declared.status).toBe(413)
    const counted = await rig.call('POST', '/api/messages', JSON.stringify({ ...send, message: 'x'.repeat(1_048_576) }))
    expect(counted.status).toBe(413)
    expect(await counted.json()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })

  it('404 for an id the engine does not know, 400 for what is no id', async () => {
    expect((await rig.call('GET', '/api/messages/nope')).status).toBe(404)
    expect((await rig.call('GET', '/api/messages/a%20b')).status).toBe(400)
    expect((await rig.call('GET', '/api/messages/a%00b')).status).toBe(400)
  })

  it('500 tells nothing of what went wrong, and logs the cause with the correlation id', async () => {
    const engine = createEngineFake()
    const logged: Record<string, unknown>[] = []
    const rig = createRig({
      engine: { messages: { ...engine.messages, get: () => Promise.reject(new Error('password=canary')) } },
      log: { debug() {}, info() {}, warn() {}, error: (fields) => logged.push(fields) },
    })
    const response = await rig.call('GET', '/api/messages/msg_1', undefined, { 'x-correlation-id': 'c-2' })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('canary')
    expect(logged).toMatchObject([{ route: '/api/messages/{id}', correlationId: 'c-2' }])
  })

  it('pass on what the engine refuses, with its extras', async () => {
    const engine = createEngineFake()
    const update = () => Promise.reject(new AppError('ADDRESS_TAKEN', 'taken', { extra: { leadId: 'lead_9' } }))
    const rig = createRig({ engine: { leads: { ...engine.leads, update } } })
    const response = await rig.call('PATCH', '/api/leads/lead_1', { phone: '+1' })
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ code: 'ADDRESS_TAKEN', leadId: 'lead_9' })
  })
})

describe('what comes in', () => {
  it('"" means not given', async () => {
    expect((await rig.call('POST', '/api/messages', { ...send, leadId: '', scheduledDate: '', timezone: '', metadata: { a: '' } })).status).toBe(201)
    const missing = await rig.call('POST', '/api/messages', { message: '' })
    expect(await missing.json()).toMatchObject({ errors: [{ path: 'message' }] })
  })

  it.each([
    ['a lone surrogate', '{"message":"\\ud800"}', 'message'],
    ['NUL', '{"message":"a\\u0000b"}', 'message'],
    ['__proto__ deep inside', '{"message":"a","metadata":{"a":[{"__proto__":1}]}}', 'metadata.a.0.__proto__'],
    ['constructor', '{"message":"a","metadata":{"constructor":1}}', 'metadata.constructor'],
    ['an operator', '{"message":"a","leadId":{"$ne":null}}', 'leadId.$ne'],
    ['deep nesting', `{"message":"a","metadata":${'{"a":'.repeat(12)}1${'}'.repeat(12)}}`, 'metadata.a.a.a.a.a.a.a.a.a'],
  ])('refuses %s and names where', async (_name, body, path) => {
    const response = await rig.call('POST', '/api/messages', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ path }] })
  })

  it('stands a body nested a hundred thousand deep', async () => {
    expect((await rig.call('POST', '/api/messages', `${'['.repeat(100_000)}${']'.repeat(100_000)}`)).status).toBe(400)
  })

  it.each([
    ['timezone', 'Mars/Olympus'],
    ['timezone', '+01:00'],
    ['sendWindowStart', '24:00'],
    ['sendWindowStart', '9:00'],
    ['allowedDaysOfWeek', [7]],
    ['allowedDaysOfWeek', [1, 1]],
    ['allowedDaysOfWeek', []],
    ['scheduledDate', '2026-02-30T10:00:00Z'],
    ['scheduledDate', '2026-03-01T10:00:00'],
    ['scheduledDate', 'tomorrow'],
    ['attachmentUrls', ['ftp://x.test/a']],
    ['attachmentUrls', ['javascript:alert(1)']],
    ['subject', 'a\r\nBcc: b@x.test'],
    ['priority', 'urgent'],
    ['sendFallbackSmsOnFailed', 'yes'],
    ['metadata', { a: 'x'.repeat(17_000) }],
    ['message', 'x'.repeat(10_001)],
  ])('refuses %s: %j', async (field, value) => {
    const response = await rig.call('POST', '/api/messages', { ...send, [field]: value })
    expect(response.status).toBe(400)
    const { errors } = (await response.json()) as { errors: { path: string }[] }
    expect(errors.some(({ path }) => path === field || path.startsWith(`${field}.`))).toBe(true)
  })

  it.each([
    'colour=red',
    'limit=0',
    'limit=201',
    'limit=1e2',
    'limit=%200x10',
    'since=yesterday',
    'status=lost',
    'limit=1&limit=2',
    'cursor=%00',
    '__proto__=1',
  ])('refuses the query %s', async (query) => {
    expect((await rig.call('GET', `/api/messages?${query}`)).status).toBe(400)
  })

  it('gives the engine a page and a filter of what was given only', async () => {
    const engine = createEngineFake()
    const seen: unknown[] = []
    const find: typeof engine.messages.find = (...all) => {
      seen.push(all)
      return engine.messages.find(...all)
    }
    const rig = createRig({ engine: { messages: { ...engine.messages, find } } })
    await rig.call('GET', '/api/messages?status=queued&since=2026-01-01T00:00:00Z&limit=7&cursor=abc&leadId=')
    expect(seen).toStrictEqual([['ws_1', { status: 'queued', since: new Date('2026-01-01T00:00:00Z') }, { limit: 7, cursor: 'abc' }]])
  })

  it('one lead by itself has its errors without leads.0, many have them with their number', async () => {
    const engine = createEngineFake()
    const save = () => Promise.reject(new AppError('VALIDATION', 'leads.0.phone: bad', { issues: [{ path: 'leads.0.phone', message: 'bad' }] }))
    const rig = createRig({ engine: { leads: { ...engine.leads, save } } })
    expect(await (await rig.call('POST', '/api/leads', { phone: '1' })).json()).toMatchObject({ detail: 'phone: bad', errors: [{ path: 'phone' }] })
    expect(await (await rig.call('POST', '/api/leads', { leads: [{ phone: '1' }] })).json()).toMatchObject({ errors: [{ path: 'leads.0.phone' }] })
    expect(await (await rig.call('POST', '/api/leads', { leads: [{ phone: '1' }, { fon: '2' }] })).json()).toMatchObject({
      errors: [{ path: 'leads.1.fon', message: 'unknown field' }],
    })
  })

  it('names the address of a list that is none', async () => {
    const response = await rig.call('POST', '/api/check-availability', { addresses: ['+15005550001', 'bad'] })
    expect(await response.json()).toMatchObject({ errors: [{ path: 'addresses.1' }] })
  })
})

describe('what goes out', () => {
  it('carries a correlation id: the caller’s, or a new one when that is unfit', async () => {
    const own = await rig.call('GET', '/api/messages', undefined, { 'x-correlation-id': 'order-7' })
    expect(own.headers.get('x-correlation-id')).toBe('order-7')
    const made = await rig.call('GET', '/api/messages', undefined, { 'x-correlation-id': 'x'.repeat(129) })
    expect(made.headers.get('x-correlation-id')).toMatch(/^req_/)
  })

  it('has security headers and no CORS', async () => {
    for (const path of ['/api/messages', '/healthz', '/docs', '/nowhere']) {
      const { headers } = await rig.call('GET', path, undefined, { origin: 'https://evil.test' })
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('strict-transport-security')).not.toBeNull()
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('never holds a sealed secret, a hash or the input of a job', async () => {
    const paths = [
      '/api/lines',
      '/api/lines/line_1',
      '/api/workspace',
      '/api/keys',
      '/api/webhooks',
      '/api/webhooks/whk_1',
      '/api/jobs/job_1',
      '/api/dnc',
      '/api/webhooks/whk_1/deliveries',
    ]
    for (const path of paths) {
      const response = await rig.call('GET', path)
      expect(response.status).toBe(200)
      const text = await response.text()
      expect(text).not.toContain('canary')
      expect(text).not.toContain('outbox')
    }
  })

  it('shows where the bridge of a line posts', async () => {
    expect(await (await rig.call('GET', '/api/lines/by-user?healthy=true')).json()).toMatchObject({
      lines: [
        {
          id: 'line_1',
          hookUrl: 'https://hub.test/hooks/lines/line_1/hook-secret',
          dailyTotalMessagesLimit: 150,
          transport: { type: 'bluebubbles', url: 'http://mac.test:1234' },
        },
      ],
    })
  })

  it('puts what matters of an accepted message beside it', async () => {
    const body = await (await rig.call('POST', '/api/messages', send)).json()
    expect(body).toMatchObject({
      status: 'queued',
      leadId: 'lead_1',
      ghlContactId: 'ghl-9',
      message: { id: 'msg_1', message: 'Hi', hold: { reason: 'gap' } },
    })
  })
})

describe('402 in a read-only workspace', () => {
  const engine = createEngineFake()
  let readOnly: { reason: string } | null = { reason: 'unpaid' }
  const workspaces = {
    ...engine.workspaces,
    get: async () => ({ ...workspace, readOnly }),
    update: async (_caller: unknown, _id: string, _patch: WorkspaceInput) => workspace,
    setReadOnly: async (_caller: unknown, _id: string, to: { reason: string } | null) => {
      readOnly = to
      return { ...workspace, readOnly }
    },
  }
  const rig = createRig({ engine: { workspaces } })
  const install = { authorization: 'Bearer tl_install' }

  it('stops writes and says why, lets reads through, and ends when the installation says so', async () => {
    const response = await rig.call('POST', '/api/messages', send)
    expect(response.status).toBe(402)
    expect(await response.json()).toMatchObject({ code: 'READ_ONLY', reason: 'unpaid' })
    expect((await rig.call('PATCH', '/api/workspace', {}, install)).status).toBe(402)
    expect((await rig.call('GET', '/api/messages')).status).toBe(200)
    expect((await rig.call('PATCH', '/api/workspaces/ws_1', { readOnly: null }, install)).status).toBe(200)
    expect((await rig.call('POST', '/api/messages', send)).status).toBe(201)
    await rig.call('PATCH', '/api/workspaces/ws_1', { readOnly: { reason: 'again' } }, install)
    expect((await rig.call('POST', '/api/messages', send, { 'idempotency-key': 'k' })).status).toBe(402)
    await rig.call('PATCH', '/api/workspaces/ws_1', { readOnly: null }, install)
    expect((await rig.call('POST', '/api/messages', send, { 'idempotency-key': 'k' })).status).toBe(201)
  })
})

describe('429', () => {
  it('counts by class, announces it on every answer, and says when to come back', async () => {
    const rig = createRig({ config: { rateLimits: { send: 2, availability: 1, default: 100 } } })
    const first = await rig.call('POST', '/api/messages', send)
    expect(first.headers.get('ratelimit-policy')).toBe('"send";q=2;w=60')
    expect(first.headers.get('ratelimit')).toBe('"send";r=1;t=60')
    await rig.call('POST', '/api/messages', send)
    rig.clock.advance(20_000)
    const refused = await rig.call('POST', '/api/messages', send)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('40')
    expect(await refused.json()).toMatchObject({ code: 'RATE_LIMITED', 'violated-policies': ['send'] })
    expect((await rig.call('GET', '/api/messages')).status).toBe(200)
    rig.clock.advance(40_000)
    expect((await rig.call('POST', '/api/messages', send)).status).toBe(201)
  })
})

describe('beside the API', () => {
  it('a hook answers 401 alike for an unknown line and a wrong secret', async () => {
    const post = (path: string) => rig.app.request(path, { method: 'POST', body: '{"type":"new-message"}' })
    expect((await post('/hooks/lines/line_1/hook-secret')).status).toBe(200)
    const [unknown, wrong] = [await post('/hooks/lines/line_2/hook-secret'), await post('/hooks/lines/line_1/wrong')]
    expect([unknown.status, wrong.status]).toEqual([401, 401])
    const same = async (response: Response) => (await response.text()).replace(/req_\d+/, '')
    expect(await same(unknown)).toBe(await same(wrong))
  })

  it('a hook hands over parsed JSON, or the text that is none', async () => {
    const bodies: unknown[] = []
    const rig = createRig({ engine: { receive: async (_line, _secret, body) => bodies.push(body) > 0 } })
    for (const body of ['{"a":1}', 'a=1']) await rig.app.request('/hooks/lines/l/s', { method: 'POST', body })
    expect(bodies).toEqual([{ a: 1 }, 'a=1'])
  })

  it('unsubscribing takes a POST; a GET only asks', async () => {
    const engine = createEngineFake()
    const seen: unknown[] = []
    const rig = createRig({ engine: { consent: { ...engine.consent, optOut: async (_caller, who) => void seen.push(who) } } })
    const page = await rig.app.request('/unsubscribe/good')
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<form method="post">')
    expect(seen).toEqual([])
    expect((await rig.app.request('/unsubscribe/good', { method: 'POST', body: 'List-Unsubscribe=One-Click' })).status).toBe(200)
    expect(seen).toMatchObject([{ lead: { id: 'lead_1' }, address: 'a@x.test', channels: null, source: 'unsubscribe' }])
    expect((await rig.app.request('/unsubscribe/bad', { method: 'POST' })).status).toBe(404)
    expect(seen).toHaveLength(1)
  })

  it('is healthy, ready or not, and measured', async () => {
    expect((await rig.app.request('/healthz')).status).toBe(200)
    expect((await rig.app.request('/readyz')).status).toBe(200)
    const down = createRig({ engine: { ready: async () => ({ ready: false, checks: { store: 'ok', queue: 'away' } }) } })
    const response = await down.app.request('/readyz')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ status: 'not_ready', checks: { store: 'ok', queue: 'away' } })
    await rig.call('GET', '/api/messages/msg_1')
    expect(await (await rig.app.request('/metrics')).text()).toMatch(
      /trunkline_http_request_seconds_count\{method="GET",route="\/api\/messages\/\{id\}",status="200"\} \d+/,
    )
  })
})
