import { createHmac } from 'node:crypto'
import { Webhook as Standard } from 'standardwebhooks'
import { Webhook as Svix } from 'svix'
import { describe, expect, it } from 'vitest'
import { newSecret, signedHeaders } from './sign.ts'

// The reference libraries compare with the machine's clock, so these are signed at the machine's time.
const at = new Date()
const body = '{"event":"message.sent","message":{"message":"Grüße 👋 \\u0000"}}'
const event = 'message.sent'

describe('the signature', () => {
  it('is accepted by the reference library and by svix', () => {
    const secret = newSecret()
    const headers = signedHeaders({ id: 'evt_1', event, body, at, secrets: [secret] })
    expect(new Standard(secret).verify(body, headers)).toEqual(JSON.parse(body))
    expect(() => new Svix(secret).verify(body, headers)).not.toThrow()
    expect(() => new Svix(newSecret()).verify(body, headers)).toThrow()
  })

  it('equals what the reference library signs', () => {
    const secret = newSecret()
    expect(signedHeaders({ id: 'evt_1', event, body, at, secrets: [secret] })['webhook-signature']).toBe(new Standard(secret).sign('evt_1', at, body))
  })

  it('is accepted under the old and the new secret during rotation, and under no other', () => {
    const [fresh, old] = [newSecret(), newSecret()]
    const headers = signedHeaders({ id: 'evt_1', event, body, at, secrets: [fresh, old] })
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(2)
    for (const secret of [fresh, old]) expect(() => new Standard(secret).verify(body, headers)).not.toThrow()
    expect(() => new Standard(newSecret()).verify(body, headers)).toThrow()
  })

  it('breaks when one byte of the body changes', () => {
    const secret = newSecret()
    const headers = signedHeaders({ id: 'evt_1', event, body, at, secrets: [secret] })
    expect(() => new Standard(secret).verify(body.replace('sent', 'sand'), headers)).toThrow()
  })

  it('covers the id and the time', () => {
    const secret = newSecret()
    const headers = signedHeaders({ id: 'evt_1', event, body, at, secrets: [secret] })
    expect(() => new Standard(secret).verify(body, { ...headers, 'webhook-id': 'evt_2' })).toThrow()
    expect(() => new Standard(secret).verify(body, { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) })).toThrow()
  })

  it('throws without a secret rather than sending unsigned', () => {
    expect(() => signedHeaders({ id: 'evt_1', event, body, at, secrets: [] })).toThrow()
  })
})

describe('X-Tuco-*', () => {
  it('is hex HMAC-SHA256 of the body, keyed with the newest secret as written, whsec_ and all', () => {
    const [fresh, old] = [newSecret(), newSecret()]
    const headers = signedHeaders({ id: 'evt_1', event, body, at: new Date('2026-11-22T10:00:00.900Z'), secrets: [fresh, old] })
    expect(headers['x-tuco-signature']).toBe(createHmac('sha256', Buffer.from(fresh, 'utf8')).update(Buffer.from(body, 'utf8')).digest('hex'))
    expect(headers['x-tuco-event']).toBe('message.sent')
    expect(headers['x-tuco-timestamp']).toBe('1795341600')
    expect(headers['webhook-timestamp']).toBe('1795341600')
  })
})

describe('a new secret', () => {
  it('is whsec_ and the base64 of 32 bytes, never the same twice', () => {
    const secret = newSecret()
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(newSecret()).not.toBe(secret)
  })
})
