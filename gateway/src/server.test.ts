import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRig } from './engine.test-rig.ts'

const send = JSON.stringify({ message: 'Hi', recipientPhone: '+15005550001' })
const open: { close(done: () => void): unknown }[] = []

async function listen(fetch: (request: Request) => Response | Promise<Response>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  open.push(serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port)))
  return promise
}

afterAll(() => Promise.all(open.map((server) => new Promise<void>((done) => server.close(done)))))

interface Sent {
  method?: string
  path?: string
  headers?: Record<string, string>
  chunks?: string[]
}

/** By node:http, which lets a test leave out a length or send in chunks. */
function post(port: number, { method = 'POST', path = '/api/messages', headers = {}, chunks = [] }: Sent): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const all = { authorization: 'Bearer tl_all', 'content-type': 'application/json', connection: 'close', ...headers }
  const sent = request({ port, host: '127.0.0.1', method, path, headers: all }, (response) => {
    let body = ''
    response.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
  })
  sent.on('error', reject)
  for (const chunk of chunks) sent.write(chunk)
  sent.end()
  return promise
}

describe('over a socket', () => {
  let port: number
  beforeAll(async () => {
    port = await listen(createRig().app.fetch)
  })

  it('takes a body with a length, and one in chunks', async () => {
    expect((await post(port, { headers: { 'content-length': String(send.length) }, chunks: [send] })).status).toBe(201)
    expect((await post(port, { headers: { 'transfer-encoding': 'chunked' }, chunks: [send.slice(0, 9), send.slice(9)] })).status).toBe(201)
  })

  it('413 for chunks that add up to too much', async () => {
    const chunks = ['{"message":"', ...Array.from({ length: 40 }, () => 'x'.repeat(32_768)), '"}']
    const { status, body } = await post(port, { headers: { 'transfer-encoding': 'chunked' }, chunks })
    expect(status).toBe(413)
    expect(JSON.parse(body)).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })

  it('413 for a length that is too large, before the body is there', async () => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    const headers = { authorization: 'Bearer tl_all', 'content-type': 'application/json', 'content-length': '9999999' }
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path: '/api/messages', headers }, (response) => resolve(response.statusCode))
    sent.on('error', () => {})
    sent.flushHeaders()
    expect(await promise).toBe(413)
    sent.destroy()
  })

  it('takes a POST without any body where none is needed, and refuses one where it is', async () => {
    expect((await post(port, { path: '/api/messages/msg_1/cancel', headers: { 'content-length': '0' } })).status).toBe(200)
    expect((await post(port, { headers: { 'content-length': '0' } })).status).toBe(400)
  })

  it('answers HEAD like GET, without a body', async () => {
    expect(await post(port, { method: 'HEAD' })).toEqual({ status: 200, body: '' })
  })

  it('counts failed logins by the address of the socket', async () => {
    const port = await listen(createRig().app.fetch)
    const statuses: number[] = []
    for (let i = 0; i < 101; i++)
      statuses.push((await post(port, { method: 'GET', headers: { authorization: 'Bearer tl_wrong', 'x-forwarded-for': `10.0.0.${i}` } })).status)
    expect(statuses.slice(0, 100).every((status) => status === 401)).toBe(true)
    expect(statuses[100]).toBe(429)
  })
})

describe("an issuer's JWKS", () => {
  let issuer: Server
  let token: string
  let jwks = ''
  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] })
    issuer = createServer((_request, response) => {
      response.statusCode = jwks === '' ? 500 : 200
      response.end(jwks)
    })
    await new Promise<void>((done) => issuer.listen(0, '127.0.0.1', done))
    open.push(issuer)
    token = await new SignJWT({ org_id: 'org_1' })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer('iss')
      .setSubject('u')
      .setExpirationTime(1_795_342_200)
      .sign(privateKey)
  })
  const rig = () => {
    const { port } = issuer.address() as AddressInfo
    const jwt = { issuer: 'iss', audience: null, jwksUrl: `http://127.0.0.1:${port}/jwks`, workspaceClaim: 'org_id', roleClaim: 'org_role' }
    return createRig({ config: { jwt } })
  }

  it('opens the door', async () => {
    expect((await rig().call('GET', '/api/workspace', undefined, { authorization: `Bearer ${token}` })).status).toBe(200)
  })

  it('answers 503 while it cannot be had', async () => {
    jwks = ''
    expect((await rig().call('GET', '/api/workspace', undefined, { authorization: `Bearer ${token}` })).status).toBe(503)
  })
})
