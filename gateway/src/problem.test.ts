import { AppError } from '@trunkline/core'
import { describe, expect, it } from 'vitest'
import { createEngineFake, createRig } from './engine.test-rig.ts'

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
