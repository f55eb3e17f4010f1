import type { Engine } from '../engine.ts'
import { htmlResponse } from '../pages.ts'
import type { RawRoute } from '../route.ts'

interface Parts {
  engine: Pick<Engine, 'ready' | 'metrics'>
  /** The OpenAPI document, as text; and the page made of it. */
  document: () => string
  docs: () => string
}

const tag = 'operations'

/** For those who run it. /metrics holds counts and no names, but is for the inside: a proxy should not pass it on. */
export function createOperationRoutes({ engine, document, docs }: Parts): RawRoute[] {
  return [
    { method: 'GET', path: '/healthz', tag, summary: 'The process is up', answers: { 200: 'Up' }, respond: () => Response.json({ status: 'ok' }) },
    {
      method: 'GET',
      path: '/readyz',
      tag,
      summary: 'Store and queue can be reached',
      answers: { 200: 'Ready', 503: 'Not ready, and which part' },
      respond: async () => {
        const { ready, checks } = await engine.ready()
        return Response.json({ status: ready ? 'ready' : 'not_ready', checks }, { status: ready ? 200 : 503 })
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      tag,
      summary: 'Metrics for Prometheus',
      answers: { 200: 'Text format' },
      respond: async () => new Response(await engine.metrics.metrics(), { headers: { 'content-type': engine.metrics.contentType } }),
    },
    {
      method: 'GET',
      path: '/openapi.json',
      tag,
      summary: 'This document',
      answers: { 200: 'OpenAPI 3.1' },
      respond: () => new Response(document(), { headers: { 'content-type': 'application/json' } }),
    },
    { method: 'GET', path: '/docs', tag, summary: 'This document, to read', answers: { 200: 'A page' }, respond: () => htmlResponse(docs(), 200) },
  ]
}
