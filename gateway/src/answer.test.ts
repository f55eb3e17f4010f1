import type { WorkspaceInput } from '@trunkline/core'
import { describe, expect, it } from 'vitest'
import { createEngineFake, createRig } from './engine.test-rig.ts'
import { workspace } from './records.test-rig.ts'

const rig = createRig()
const send = { message: 'Hi', recipientPhone: '+15005550001' }

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
