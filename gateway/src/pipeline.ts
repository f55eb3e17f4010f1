import { AppError, type Log, type Runtime } from '@trunkline/core'
import type { Context } from 'hono'
import { type Auth, type Identity, requireScope } from './auth.ts'
import { correlate } from './correlation.ts'
import { type Idempotency, readKey } from './idempotency.ts'
import { findFault } from './json-guard.ts'
import { type Answer, asRefusal, problem, validationError } from './problem.ts'
import type { createLimiter } from './rate-limit.ts'
import { parseJson, readText, requireJson } from './read-body.ts'
import type { Route } from './route.ts'
import type { WorkspaceCache } from './workspace-cache.ts'

const bytesMaxDefault = 1_048_576

export interface PipelineParts {
  auth: Auth
  workspaces: WorkspaceCache
  limit: ReturnType<typeof createLimiter>
  idempotent: Idempotency
  runtime: Pick<Runtime, 'now' | 'id'>
  log: Log
  /** Security headers of every answer. */
  headers: Readonly<Record<string, string>>
  /** Seconds, for the metrics. */
  observe(route: Route, status: number, seconds: number): void
}

/** The query by name. The same name twice is refused: which one counts would be a guess. */
function readQuery(url: string): Record<string, string> {
  const mark = url.indexOf('?')
  if (mark < 0) return {}
  const hashMark = url.indexOf('#', mark)
  const query: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(url.slice(mark + 1, hashMark < 0 ? undefined : hashMark))) {
    if (Object.hasOwn(query, name)) throw validationError([{ path: name.slice(0, 200), message: 'is given twice' }])
    Object.defineProperty(query, name, { value, enumerable: true })
  }
  guard(query)
  return query
}

function guard(value: unknown): void {
  const fault = findFault(value)
  if (fault !== null) throw validationError([fault])
}

function parseBody(c: Context, route: Route, text: string): unknown {
  if (text === '') {
    if (route.body !== undefined) throw validationError([{ path: '', message: 'a JSON body is required' }])
    return {}
  }
  requireJson(c)
  const body = parseJson(text)
  guard(body)
  return body
}

/**
 * What every endpoint goes through, in one function and in this order: correlation, credentials, rate, scope, read-only, body,
 * idempotency, validation, the route. One function and not a chain of middleware, because each link costs on the accept path.
 */
export function createPipeline({ auth, workspaces, limit, idempotent, runtime, log, headers, observe }: PipelineParts) {
  async function requireWritable(route: Route, identity: Identity): Promise<void> {
    if (route.method === 'GET' || route.ignoresReadOnly) return
    const reason = (await workspaces.get(identity.workspaceId))?.readOnly?.reason
    if (reason !== undefined) throw new AppError('READ_ONLY', `The workspace is read-only: ${reason}`, { extra: { reason } })
  }

  return (route: Route) => {
    const isWrite = route.method !== 'GET'
    const bytesMax = route.bytesMax ?? bytesMaxDefault

    async function run(c: Context, text: string, identity: Identity | null, correlationId: string, id: string | undefined): Promise<Answer> {
      try {
        const body = isWrite ? parseBody(c, route, text) : {}
        const params = c.req.param()
        guard(params)
        const caller = { workspaceId: identity?.workspaceId ?? '', actor: identity?.actor ?? 'service', correlationId }
        const result = await route.run({ caller, params, query: readQuery(c.req.url), body, reserved: { id } })
        return { status: result.status, text: result.body === null ? '' : JSON.stringify(result.body), code: null }
      } catch (thrown) {
        return refuse(thrown, correlationId)
      }
    }

    function refuse(thrown: unknown, correlationId: string): Answer {
      const refusal = asRefusal(thrown)
      const answer = problem(refusal, correlationId)
      if (answer.status >= 500)
        log.error({ route: route.path, method: route.method, code: refusal.code, correlationId, err: refusal.cause ?? refusal }, 'request failed')
      return answer
    }

    async function answerOf(
      c: Context,
      correlationId: string,
      extra: Record<string, string>,
    ): Promise<{ answer: Answer; identity: Identity | null }> {
      let identity: Identity | null = null
      try {
        if (route.scope === 'service') auth.requireService(c)
        else {
          identity = await auth.authenticate(c)
          const verdict = limit(identity.workspaceId, route.class ?? 'default')
          Object.assign(extra, verdict.headers)
          if (!verdict.allowed) {
            const more = { 'retry-after': verdict.retryAfter, 'violated-policies': [route.class ?? 'default'] }
            throw new AppError('RATE_LIMITED', `Too many requests: wait ${verdict.retryAfter} s`, { extra: more })
          }
          requireScope(identity, route.scope)
          await requireWritable(route, identity)
        }
        const text = isWrite ? await readText(c, bytesMax) : ''
        const header = isWrite && identity !== null ? c.req.header('idempotency-key') : undefined
        if (header === undefined || identity === null) return { answer: await run(c, text, identity, correlationId, undefined), identity }
        const url = c.req.url
        const request = {
          workspaceId: identity.workspaceId,
          key: readKey(header),
          method: route.method,
          target: url.slice(url.indexOf('/', url.indexOf('//') + 2)),
          body: text,
          prefix: route.reserve ?? 'req',
          isSecret: route.isSecret ?? false,
        } as const
        const who = identity
        return { answer: await idempotent(request, (id) => run(c, text, who, correlationId, route.reserve ? id : undefined)), identity }
      } catch (thrown) {
        return { answer: refuse(thrown, correlationId), identity }
      }
    }

    return async (c: Context): Promise<Response> => {
      const startedAt = runtime.now().getTime()
      const correlationId = correlate(c.req.header('x-correlation-id'), runtime)
      const extra: Record<string, string> = {}
      const { answer, identity } = await answerOf(c, correlationId, extra)
      const durationMs = runtime.now().getTime() - startedAt
      observe(route, answer.status, durationMs / 1000)
      const fields = {
        route: route.path,
        method: route.method,
        status: answer.status,
        code: answer.code,
        durationMs,
        workspaceId: identity?.workspaceId,
        actor: identity?.actor,
        correlationId,
      }
      // Successes are counted, not logged: a line per accepted message costs more than accepting it.
      if (answer.status >= 400) log.info(fields, 'request refused')
      else log.debug(fields, 'request answered')
      const out: Record<string, string> = { ...headers, 'x-correlation-id': correlationId, ...extra, ...answer.headers }
      if (answer.text === '') return new Response(null, { status: answer.status, headers: out })
      out['content-type'] = answer.status >= 400 ? 'application/problem+json' : 'application/json'
      return new Response(answer.text, { status: answer.status, headers: out })
    }
  }
}
