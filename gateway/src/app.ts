import { AppError, type Log, type Runtime } from '@trunkline/core'
import { type Context, Hono } from 'hono'
import { createAuth } from './auth.ts'
import { correlate } from './correlation.ts'
import { docsPage } from './docs-page.ts'
import type { Engine } from './engine.ts'
import type { HttpConfig } from './http-config.ts'
import { createHttpMetrics } from './http-metrics.ts'
import { createIdempotency } from './idempotency.ts'
import { createJwt } from './jwt.ts'
import { createDocument, type OpenApi } from './openapi.ts'
import { createPipeline } from './pipeline.ts'
import { asRefusal, problem } from './problem.ts'
import { createLimiter } from './rate-limit.ts'
import type { RawRoute, Route } from './route.ts'
import { createAvailabilityRoutes } from './routes/availability.ts'
import { createDncRoutes } from './routes/dnc.ts'
import { createHookRoutes } from './routes/hooks.ts'
import { createKeyRoutes } from './routes/keys.ts'
import { createLeadRoutes } from './routes/leads.ts'
import { createLineRoutes } from './routes/lines.ts'
import { createListRoutes } from './routes/lists.ts'
import { createMessageRoutes } from './routes/messages.ts'
import { createOperationRoutes } from './routes/operations.ts'
import { createRecordRoutes } from './routes/records.ts'
import { createServiceRoutes } from './routes/service.ts'
import { createUnsubscribeRoutes } from './routes/unsubscribe.ts'
import { createWebhookRoutes } from './routes/webhooks.ts'
import { createWorkspaceRoutes } from './routes/workspaces.ts'
import { createWorkspaceCache } from './workspace-cache.ts'

export interface AppParts {
  engine: Engine
  config: HttpConfig
  log: Log
  runtime: Pick<Runtime, 'now' | 'id'>
  /** In place of the issuer's JWKS, where the keys are at hand. */
  jwtKeys?: Parameters<typeof createJwt>[0]['keys']
}

function securityHeaders(publicUrl: string): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    ...(publicUrl.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000' }),
  }
}

const honoPath = (path: string) => path.replace(/\{(\w+)\}/g, ':$1')
/** `/api/leads/check-availability` before `/api/leads/{id}`: the first that fits answers. */
const byFewestParameters = (a: { path: string }, b: { path: string }) => a.path.split('{').length - b.path.split('{').length

/** Which methods a path knows, for 405; asked only when no route answered. */
function createAllow(routes: readonly { method: string; path: string }[]) {
  const patterns = routes.map(({ method, path }) => ({ method, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`) }))
  return (path: string): string[] => {
    const methods = new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))
    if (methods.has('GET')) methods.add('HEAD')
    return [...methods].sort()
  }
}

/** The HTTP side of Trunkline over an engine. Keeps no state that matters: windows of limits and half a second of workspaces. */
export function createApp({ engine, config, log, runtime, jwtKeys }: AppParts): { app: Hono; document: () => OpenApi } {
  const headers = securityHeaders(config.publicUrl)
  const workspaces = createWorkspaceCache({ engine, runtime })
  const jwt = config.jwt && createJwt({ config: config.jwt, runtime, ...(jwtKeys && { keys: jwtKeys }) })
  const pipeline = createPipeline({
    auth: createAuth({ engine, workspaces, jwt, serviceToken: config.serviceToken, runtime }),
    workspaces,
    limit: createLimiter({ runtime, limits: config.rateLimits }),
    idempotent: createIdempotency({ store: engine.idempotency, sealer: engine.sealer, runtime, isAlone: config.isAlone }),
    runtime,
    log,
    headers,
    observe: createHttpMetrics(engine.metrics),
  })

  const routes: Route[] = [
    ...createMessageRoutes({ engine }),
    ...createLeadRoutes({ engine }),
    ...createListRoutes({ engine }),
    ...createAvailabilityRoutes({ engine }),
    ...createLineRoutes({ engine, publicUrl: config.publicUrl }),
    ...createRecordRoutes({ engine }),
    ...createServiceRoutes({ engine }),
    ...createWebhookRoutes({ engine }),
    ...createDncRoutes({ engine }),
    ...createWorkspaceRoutes({ engine, cache: workspaces }),
    ...createKeyRoutes({ engine }),
  ].sort(byFewestParameters)
  let made: OpenApi | null = null
  const document = () => {
    made ??= createDocument({ routes, raw, publicUrl: config.publicUrl })
    return made
  }
  let text: string | null = null
  let docs: string | null = null
  const raw: RawRoute[] = [
    ...createHookRoutes({ engine }),
    ...createUnsubscribeRoutes({ engine, runtime }),
    ...createOperationRoutes({
      engine,
      document: () => {
        text ??= JSON.stringify(document())
        return text
      },
      docs: () => {
        docs ??= docsPage(document())
        return docs
      },
    }),
  ]

  function refusal(c: Context, thrown: unknown, extra: Record<string, string> = {}): Response {
    const correlationId = correlate(c.req.header('x-correlation-id'), runtime)
    const error = asRefusal(thrown)
    const answer = problem(error, correlationId)
    // The path may hold a secret (a hook's, an unsubscribe token): it is not logged.
    if (answer.status >= 500) log.error({ method: c.req.method, code: error.code, correlationId, err: error.cause ?? error }, 'request failed')
    return new Response(answer.text, {
      status: answer.status,
      headers: { ...headers, 'x-correlation-id': correlationId, 'content-type': 'application/problem+json', ...answer.headers, ...extra },
    })
  }

  const app = new Hono()
  for (const route of routes) app.on(route.method, honoPath(route.path), pipeline(route))
  for (const route of raw) {
    app.on(route.method, honoPath(route.path), async (c) => {
      const response = await route.respond(c)
      response.headers.set('x-correlation-id', correlate(c.req.header('x-correlation-id'), runtime))
      for (const [name, value] of Object.entries(headers)) if (!response.headers.has(name)) response.headers.set(name, value)
      return response
    })
  }
  const allow = createAllow([...routes, ...raw])
  app.notFound((c) => {
    const methods = allow(c.req.path)
    if (methods.length === 0) return refusal(c, new AppError('NOT_FOUND', 'There is nothing at this address'))
    const detail = `This address takes ${methods.join(', ')}`
    return refusal(c, new AppError('METHOD_NOT_ALLOWED', detail), { allow: methods.join(', ') })
  })
  app.onError((error, c) => refusal(c, error))
  return { app, document }
}
