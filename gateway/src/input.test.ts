import { AppError } from '@trunkline/core'
import { describe, expect, it } from 'vitest'
import { createEngineFake, createRig } from './engine.test-rig.ts'

const rig = createRig()
const send = { message: 'Hi', recipientPhone: '+15005550001' }

describe('what comes in', () => {
  it('"" means not given', async () => {
    expect((await rig.call('POST', '/api/messages', { ...send, leadId: '', scheduledDate: '', timezone: '', metadata: { a: '' } })).status).toBe(201)
    const missing = await rig.call('POST', '/api/messages', { message: '' })
    expect(await missing.json()).toMatchObject({ errors: [{ path: 'message' }] })
  })

  it('no country has +999: a national number could not be read under it', async () => {
    const response = await rig.call('PATCH', '/api/workspace', { defaultCountryCode: '+999' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ path: 'defaultCountryCode', message: 'is the code of no country' }] })
  })

  it('"" does not hide an unknown field', async () => {
    const response = await rig.call('POST', '/api/messages', { ...send, recipientFone: '' })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('recipientFone')
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
