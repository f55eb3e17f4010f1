import { AppError } from '@trunkline/core'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createEngineFake, createRig } from './engine.test-rig.ts'

const jwt = { issuer: 'https://issuer.test', audience: 'hub', jwksUrl: 'https://issuer.test/jwks', workspaceClaim: 'org_id', roleClaim: 'org_role' }
let pair: Awaited<ReturnType<typeof generateKeyPair>>
beforeAll(async () => {
  pair = await generateKeyPair('RS256')
})

const rig = createRig()
const as = (key: string) => ({ authorization: `Bearer ${key}` })

describe('401', () => {
  it('without credentials, and says how to send them', async () => {
    const response = await rig.app.request('/api/messages')
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(await response.json()).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
  })

  it.each(['Bearer tl_wrong', 'Basic tl_all', 'tl_all', 'Bearer', 'Bearer a.b.c', 'Bearer __proto__'])('for "%s"', async (authorization) => {
    expect((await rig.app.request('/api/messages', { headers: { authorization } })).status).toBe(401)
  })

  it('takes the key as Bearer or as X-API-Key', async () => {
    expect((await rig.app.request('/api/messages', { headers: as('tl_all') })).status).toBe(200)
    expect((await rig.app.request('/api/messages', { headers: { 'x-api-key': 'tl_all' } })).status).toBe(200)
  })
})

describe('403', () => {
  it.each([
    ['tl_read', 'GET', '/api/messages', 200],
    ['tl_write', 'GET', '/api/messages', 403],
    ['tl_none', 'GET', '/api/messages', 403],
    ['tl_read', 'POST', '/api/messages/msg_1/cancel', 403],
    ['tl_write', 'POST', '/api/messages/msg_1/cancel', 200],
    ['tl_write', 'GET', '/api/keys', 403],
    ['tl_read', 'GET', '/api/audit', 403],
    ['tl_all', 'GET', '/api/audit', 200],
    ['tl_all', 'GET', '/api/workspaces', 403],
    ['tl_install', 'GET', '/api/workspaces', 200],
  ])('%s %s %s answers %i', async (key, method, path, status) => {
    const response = await rig.call(method, path, undefined, as(key))
    expect(response.status).toBe(status)
    if (status === 403) expect(await response.json()).toMatchObject({ code: 'FORBIDDEN' })
  })
})

describe('a token of the issuer', () => {
  const sign = (claims: JWTPayload, { issuer = jwt.issuer, audience = jwt.audience, expires = '10m', subject = 'user_1' } = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt(1_795_341_600)
      .setExpirationTime(expires === '10m' ? 1_795_342_200 : Number(expires))
      .sign(pair.privateKey)
  const withKeys = (more: Parameters<typeof createRig>[0] = {}) => createRig({ config: { jwt }, jwtKeys: async () => pair.publicKey, ...more })

  it('opens the workspace its claim names, by id or by externalId', async () => {
    for (const org_id of ['ws_1', 'org_1']) {
      const response = await withKeys().call('GET', '/api/workspace', undefined, as(await sign({ org_id })))
      expect(response.status).toBe(200)
    }
  })

  it('has the scope admin only for the role admin', async () => {
    for (const [org_role, status] of [
      ['admin', 200],
      ['org:admin', 200],
      ['org:member', 403],
      [undefined, 403],
    ] as const) {
      const token = await sign(org_role === undefined ? { org_id: 'ws_1' } : { org_id: 'ws_1', org_role })
      expect((await withKeys().call('GET', '/api/keys', undefined, as(token))).status).toBe(status)
    }
  })

  it('is known by its subject to the engine', async () => {
    const engine = createEngineFake()
    let actor = ''
    const cancel: typeof engine.messages.cancel = (caller, id) => {
      actor = caller.actor
      return engine.messages.cancel(caller, id)
    }
    const rig = withKeys({ engine: { messages: { ...engine.messages, cancel } } })
    await rig.call('POST', '/api/messages/msg_1/cancel', undefined, as(await sign({ org_id: 'ws_1' })))
    expect(actor).toBe('user:user_1')
  })

  it.each([
    ['another issuer', { org_id: 'ws_1' }, { issuer: 'https://evil.test' }],
    ['another audience', { org_id: 'ws_1' }, { audience: 'other' }],
    ['an end in the past', { org_id: 'ws_1' }, { expires: '1795341594' }],
    ['no workspace', {}, {}],
    ['an unknown workspace', { org_id: 'org_unknown' }, {}],
    ['a workspace that is no text', { org_id: { $ne: null } }, {}],
  ])('is refused with %s', async (_name, claims, more) => {
    expect((await withKeys().call('GET', '/api/workspace', undefined, as(await sign(claims, more)))).status).toBe(401)
  })

  it('tolerates a clock that is 5 seconds off', async () => {
    const token = await sign({ org_id: 'ws_1' }, { expires: '1795341596' })
    expect((await withKeys().call('GET', '/api/workspace', undefined, as(token))).status).toBe(200)
  })

  it('is refused when it is signed with the public key as an HMAC secret, or not at all', async () => {
    const jwk = new TextEncoder().encode(JSON.stringify(await exportJWK(pair.publicKey)))
    const hmac = await new SignJWT({ org_id: 'ws_1' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(jwt.issuer)
      .setAudience('hub')
      .setSubject('u')
      .setExpirationTime(1_795_342_200)
      .sign(jwk)
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const none = `${encode({ alg: 'none' })}.${encode({ iss: jwt.issuer, aud: 'hub', sub: 'u', exp: 1_795_342_200, org_id: 'ws_1' })}.`
    for (const token of [hmac, none]) expect((await withKeys().call('GET', '/api/workspace', undefined, as(token))).status).toBe(401)
  })

  it('is looked at even from an address that keeps guessing, where a wrong one is 429', async () => {
    const rig = withKeys()
    for (let i = 0; i < 100; i++) await rig.call('GET', '/api/workspace', undefined, as('tl_wrong'))
    expect((await rig.call('GET', '/api/workspace', undefined, as(await sign({ org_id: 'ws_1' })))).status).toBe(200)
    expect((await rig.call('GET', '/api/workspace', undefined, as('a.b.c'))).status).toBe(429)
  })

  it('answers 503, not 401, while the keys of the issuer cannot be had', async () => {
    const rig = withKeys({ jwtKeys: () => Promise.reject(new TypeError('fetch failed')) })
    expect((await rig.call('GET', '/api/workspace', undefined, as(await sign({ org_id: 'ws_1' })))).status).toBe(503)
  })
})

describe('429 for an address that keeps guessing', () => {
  it('holds back new guesses, but not a key that is known to work there', async () => {
    const rig = createRig()
    const wrong = () => rig.call('GET', '/api/messages', undefined, as('tl_wrong'))
    await wrong()
    expect((await rig.call('GET', '/api/messages')).status).toBe(200)
    for (let i = 1; i < 100; i++) expect((await wrong()).status).toBe(401)
    const held = await wrong()
    expect(held.status).toBe(429)
    expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await rig.call('GET', '/api/messages')).status).toBe(200)
    expect((await rig.call('GET', '/api/messages', undefined, as('tl_read'))).status).toBe(429)
    rig.clock.advance(60_001)
    expect((await rig.call('GET', '/api/messages', undefined, as('tl_read'))).status).toBe(200)
  })

  it('nor a key that worked there before the guessing began', async () => {
    const rig = createRig()
    expect((await rig.call('GET', '/api/messages', undefined, as('tl_read'))).status).toBe(200)
    for (let i = 0; i < 100; i++) await rig.call('POST', '/api/webhooks/v1-message', {}, as('wrong'))
    expect((await rig.call('POST', '/api/webhooks/v1-message', {}, as('service-token'))).status).toBe(429)
    expect((await rig.call('GET', '/api/messages', undefined, as('tl_read'))).status).toBe(200)
  })

  it('does not count requests without credentials: nothing was guessed', async () => {
    const rig = createRig()
    for (let i = 0; i < 150; i++) expect((await rig.app.request('/api/messages')).status).toBe(401)
  })
})

describe('the service endpoint', () => {
  const path = '/api/webhooks/v1-message'
  const body = { event: 'message.sent', messageId: 'msg_1' }

  it('takes the service token in both forms', async () => {
    for (const headers of [as('service-token'), { authorization: '', 'x-service-token': 'service-token' }]) {
      if (headers.authorization === '') Reflect.deleteProperty(headers, 'authorization')
      const response = await rig.app.request(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      })
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({ applied: true, status: 'sent' })
    }
  })

  it('answers 401 to anything else, an admin key included', async () => {
    for (const key of ['tl_all', 'tl_install', 'service-toke', 'service-token2', ''])
      expect((await rig.call('POST', path, body, as(key))).status).toBe(401)
    expect((await rig.app.request(path, { method: 'POST' })).status).toBe(401)
  })

  it('answers 401 to everything when no token is configured', async () => {
    const rig = createRig({ config: { serviceToken: null } })
    for (const key of ['service-token', 'null', '']) expect((await rig.call('POST', path, body, as(key))).status).toBe(401)
  })

  it('answers 404 for an unknown message', async () => {
    const engine = createEngineFake()
    const report = () => Promise.reject(new AppError('MESSAGE_NOT_FOUND', 'There is no such message'))
    const rig = createRig({ engine: { messages: { ...engine.messages, report } } })
    expect((await rig.call('POST', path, body, as('service-token'))).status).toBe(404)
  })
})
