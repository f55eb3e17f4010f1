import { errorTable, eventTypes } from '@trunkline/core'
import { z } from 'zod'
import { type Components, createComponents, type JsonSchema } from './openapi-components.ts'
import type { RawRoute, Route } from './route.ts'
import { eventBody } from './schemas/webhook.ts'

interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  schema: JsonSchema
  description?: string
}

export interface Operation {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  security?: Record<string, string[]>[]
  parameters: Parameter[]
  requestBody?: { required: boolean; content: { 'application/json': { schema: JsonSchema } } }
  responses: Record<string, { description: string; content?: Record<string, { schema: JsonSchema }> }>
}

export interface OpenApi {
  openapi: '3.1.1'
  info: { title: string; version: string; description: string }
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  webhooks: Record<string, { post: Operation }>
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, unknown> }
}

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(errorTable)),
    error: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    correlationId: z.string(),
  })
  .meta({ id: 'Problem' })

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query', components: Components): Parameter[] {
  if (schema === undefined) return []
  const json = components.of(schema, 'input')
  return Object.entries(json.properties ?? {}).map(([name, inner]) => ({
    name,
    in: place,
    required: place === 'path' || (json.required ?? []).includes(name),
    schema: inner,
  }))
}

const problemAnswer = {
  description: 'A problem document',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

function operationId(method: string, path: string): string {
  return `${method.toLowerCase()}_${path.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_|_$/g, '')}`
}

function describe(route: Route, components: Components): Operation {
  const isWrite = route.method !== 'GET'
  const isService = route.scope === 'service'
  const out: Operation = {
    operationId: operationId(route.method, route.path),
    tags: [route.tag],
    summary: route.summary,
    description: isService
      ? 'Needs the service token.'
      : `Needs ${route.scope === 'installation' ? "the installation's admin key" : `the scope \`${route.scope}\``}.`,
    security: isService ? [{ serviceBearer: [] }, { serviceToken: [] }] : [{ apiKeyBearer: [] }, { apiKey: [] }, { jwt: [] }],
    parameters: [...parameters(route.params, 'path', components), ...parameters(route.query, 'query', components)],
    responses: {},
  }
  if (isWrite && !isService) {
    const description = 'The same key and request again within 24 hours get the same answer; 409 while the first runs, 422 for another request.'
    out.parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      schema: { type: 'string', minLength: 1, maxLength: 255 },
      description,
    })
  }
  if (route.body) out.requestBody = { required: true, content: { 'application/json': { schema: components.of(route.body, 'input') } } }
  for (const [status, schema] of Object.entries(route.answers)) {
    out.responses[status] = schema
      ? { description: 'Done', content: { 'application/json': { schema: components.of(schema, 'output') } } }
      : { description: 'Done; no body' }
  }
  out.responses.default = problemAnswer
  return out
}

function describeRaw(route: RawRoute): Operation {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
  return {
    operationId: operationId(route.method, route.path),
    tags: [route.tag],
    summary: route.summary,
    security: [],
    parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    responses: Object.fromEntries(Object.entries(route.answers).map(([status, description]) => [status, { description }])),
  }
}

/** OpenAPI 3.1 from the very values that serve the requests. */
export function createDocument({ routes, raw, publicUrl }: { routes: readonly Route[]; raw: readonly RawRoute[]; publicUrl: string }): OpenApi {
  const components = createComponents()
  components.of(problemSchema, 'output')
  const paths: OpenApi['paths'] = {}
  const put = (method: string, path: string, operation: Operation) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation }
  }
  for (const route of routes) put(route.method, route.path, describe(route, components))
  for (const route of raw) put(route.method, route.path, describeRaw(route))
  const event = components.of(eventBody, 'output')
  const webhooks: OpenApi['webhooks'] = {}
  for (const type of eventTypes) {
    const operation: Operation = {
      operationId: `on_${type.replace('.', '_')}`,
      tags: ['events'],
      summary: type,
      parameters: [],
      requestBody: { required: true, content: { 'application/json': { schema: event } } },
      responses: { '2XX': { description: 'Taken; anything else is tried again' }, '410': { description: 'Switches the endpoint off' } },
    }
    webhooks[type] = { post: operation }
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Trunkline', version: '1', description: 'iMessage, SMS and email over lines you own, one person at a time.' },
    servers: [{ url: publicUrl }],
    paths,
    webhooks,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        apiKeyBearer: { type: 'http', scheme: 'bearer', description: 'An API key: tl_…' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        serviceBearer: { type: 'http', scheme: 'bearer', description: 'The SERVICE_TOKEN' },
        serviceToken: { type: 'apiKey', in: 'header', name: 'X-Service-Token' },
      },
    },
  }
}
