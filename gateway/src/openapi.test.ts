import { eventTypes } from '@trunkline/core'
import { describe, expect, it } from 'vitest'
import { createRig } from './engine.test-rig.ts'

const { app, document } = createRig()
const doc = document()

describe('the document', () => {
  it('names exactly the routes that are served', () => {
    const served = app.routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    const written = Object.entries(doc.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    expect([...served].sort()).toEqual([...written].sort())
    expect(new Set(served).size).toBe(served.length)
  })

  it('holds every endpoint of product.md that this release has', () => {
    const wanted = [
      'post /api/messages',
      'get /api/messages',
      'get /api/messages/{id}',
      'post /api/messages/{id}/cancel',
      'post /api/messages/cancel-for-lead',
      'post /api/leads',
      'get /api/leads',
      'get /api/leads/{id}',
      'patch /api/leads/{id}',
      'delete /api/leads/{id}',
      'get /api/leads/check-availability',
      'post /api/leads/check-availability',
      'get /api/check-availability',
      'post /api/check-availability',
      'get /api/lists',
      'post /api/lists',
      'get /api/lists/{id}',
      'delete /api/lists/{id}',
      'post /api/lists/{id}/leads',
      'get /api/lines/by-user',
      'get /api/lines',
      'post /api/lines',
      'get /api/lines/{id}',
      'patch /api/lines/{id}',
      'delete /api/lines/{id}',
      'post /api/lines/{id}/check',
      'get /api/replies',
      'get /api/webhooks',
      'post /api/webhooks',
      'get /api/webhooks/{id}',
      'patch /api/webhooks/{id}',
      'delete /api/webhooks/{id}',
      'post /api/webhooks/{id}/test',
      'get /api/webhooks/{id}/deliveries',
      'post /api/webhooks/{id}/deliveries/{deliveryId}/replay',
      'post /api/webhooks/{id}/replay',
      'post /api/webhooks/{id}/rotate-secret',
      'post /api/webhooks/v1-message',
      'get /api/dnc',
      'post /api/dnc',
      'delete /api/dnc/{id}',
      'get /api/workspace',
      'patch /api/workspace',
      'get /api/workspaces',
      'post /api/workspaces',
      'patch /api/workspaces/{id}',
      'get /api/keys',
      'post /api/keys',
      'delete /api/keys/{id}',
      'post /api/keys/{id}/rotate',
      'get /api/audit',
      'get /api/jobs/{id}',
      'get /healthz',
      'get /readyz',
      'get /metrics',
      'post /hooks/lines/{lineId}/{secret}',
      'get /unsubscribe/{token}',
      'post /unsubscribe/{token}',
    ]
    for (const one of wanted) {
      const [method = '', path = ''] = one.split(' ')
      expect(doc.paths[path], one).toHaveProperty(method)
    }
  })

  it('points at nothing that is not there, and leaves no definition behind', () => {
    const text = JSON.stringify(doc)
    const names = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(names.length).toBeGreaterThan(50)
    for (const name of names) expect(doc.components.schemas).toHaveProperty([name.replace('#/components/schemas/', '')])
    expect(text).not.toContain('$defs')
  })

  it('declares every parameter of every path, and an answer with a shape for each success', () => {
    for (const [path, methods] of Object.entries(doc.paths)) {
      for (const operation of Object.values(methods)) {
        const declared = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name)
        expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))
        if (!path.startsWith('/api/')) continue
        const [status, answer] = Object.entries(operation.responses)[0] ?? []
        expect(answer?.content === undefined, `${path} ${status}`).toBe(status === '204')
        expect(operation.responses).toHaveProperty('default')
      }
    }
  })

  it('describes the fields of a message in and out, an id among them', () => {
    const { MessageInput, Message, Problem } = doc.components.schemas
    expect(Object.keys(MessageInput?.properties ?? {})).toEqual(
      expect.arrayContaining(['message', 'recipientPhone', 'sendFallbackSmsOnFailed', 'metadata']),
    )
    expect(MessageInput?.required).toEqual(['message'])
    expect(Object.keys(Message?.properties ?? {})).toEqual(expect.arrayContaining(['id', 'hold', 'checkedAddresses', 'history']))
    expect(Object.keys(Problem?.properties ?? {})).toEqual(expect.arrayContaining(['code', 'correlationId', 'errors']))
    expect(JSON.stringify(doc.paths['/api/webhooks/v1-message'])).toMatch(/"id":\{[^}]*"maxLength":500/)
    expect(doc.components.schemas.Line?.properties).toHaveProperty('hookUrl')
    expect(doc.paths['/api/messages']?.get?.parameters.map(({ name }) => name)).toEqual([
      'status',
      'lineId',
      'leadId',
      'campaignId',
      'batchId',
      'since',
      'limit',
      'cursor',
    ])
  })

  it('lists every event as a webhook and the security schemes', () => {
    expect(Object.keys(doc.webhooks)).toEqual([...eventTypes])
    expect(doc.paths['/api/webhooks/v1-message']?.post?.security).toEqual([{ serviceBearer: [] }, { serviceToken: [] }])
    const schemes = Object.keys(doc.components.securitySchemes)
    for (const methods of Object.values(doc.paths)) {
      for (const operation of Object.values(methods))
        for (const one of operation.security ?? []) expect(schemes).toEqual(expect.arrayContaining(Object.keys(one)))
    }
  })

  it('is served as JSON and as a page that loads nothing from anywhere', async () => {
    expect(await (await app.request('/openapi.json')).json()).toEqual(JSON.parse(JSON.stringify(doc)))
    const response = await app.request('/docs')
    const html = await response.text()
    expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'/)
    expect(html).not.toMatch(/<script|<link|<img|@import|src=/)
    for (const path of Object.keys(doc.paths)) expect(html).toContain(path)
    expect(html).toContain('sendFallbackSmsOnFailed')
  })
})
