import { Agent, type Dispatcher } from 'undici'
import { z } from 'zod'
import type { Runtime } from '../runtime.ts'
import { createDeadline } from './deadline.ts'
import { createGuardedConnector } from './guarded-connect.ts'
import { connectionTrouble, serverWords } from './wording.ts'

/** The envelope of every BlueBubbles answer. What is in `data` is checked where it is used. */
const envelope = z.looseObject({
  message: z.string().optional().catch(undefined),
  data: z.unknown().optional(),
  error: z
    .looseObject({ message: z.string().optional().catch(undefined) })
    .optional()
    .catch(undefined),
})

/**
 * What became of one HTTP call. `answer` with `body: null`: complete, but not BlueBubbles speaking (a proxy, a tunnel).
 * `not_sent`: no byte of the request left. `unknown`: bytes left and no complete answer came.
 */
export type Call =
  | { type: 'answer'; status: number; retryAfterMs: number | null; body: { data: unknown; why: string } | null }
  | { type: 'not_sent'; why: string }
  | { type: 'unknown'; why: string }

export interface CallRequest {
  readonly method: 'GET' | 'POST'
  /** After `/api/v1`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly form?: FormData
}

export interface BlueBubblesClient {
  /** Never throws, and never tells the password. */
  call(request: CallRequest, signal: AbortSignal): Promise<Call>
  close(): Promise<void>
}

const answerBytesMax = 1_000_000
const connectMs = 10_000

export function createBlueBubblesClient(options: {
  url: string
  password: string
  runtime: Runtime
  timeoutMs: number
  allowPrivate: boolean
}): BlueBubblesClient {
  const { password, runtime, timeoutMs } = options
  const base = new URL(options.url)
  const root = base.pathname.replace(/\/+$/, '')
  // No kept connections: a bridge sends twice a minute, and a reset of an idle socket could not be told from a reset after the send.
  const agent = new Agent({
    connect: createGuardedConnector({ allowPrivate: options.allowPrivate, timeoutMs: Math.min(timeoutMs, connectMs) }),
    pipelining: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: answerBytesMax,
  })

  return {
    async call({ method, path, query, json, form }, signal) {
      if (signal.aborted) return { type: 'not_sent', why: 'called off before it began' }
      // The password belongs in the query: their API knows no header for it. It is put in here and nowhere else.
      const search = new URLSearchParams({ ...query, password })
      const encoded = form === undefined ? null : new Response(form)
      const body = encoded ? Buffer.from(await encoded.arrayBuffer()) : json === undefined ? null : JSON.stringify(json)
      const type = encoded?.headers.get('content-type') ?? (json === undefined ? null : 'application/json')
      const deadline = createDeadline({ runtime, signal, timeoutMs })
      let left = false
      const marked = agent.compose(
        (dispatch) => (opts, handler) =>
          dispatch(
            opts,
            markStart(handler, () => (left = true)),
          ),
      )
      try {
        const answer = await marked.request({
          origin: base.origin,
          path: `${root}/api/v1${path}?${search}`,
          method,
          headers: { accept: 'application/json', ...(type === null ? {} : { 'content-type': type }) },
          body,
          signal: deadline.signal,
        })
        const text = await answer.body.text()
        return { type: 'answer', status: answer.statusCode, retryAfterMs: retryAfter(answer.headers['retry-after']), body: read(text, password) }
      } catch (error) {
        const why = deadline.expired() ? `no answer within ${timeoutMs} ms` : signal.aborted ? 'called off' : connectionTrouble(error)
        return left ? { type: 'unknown', why } : { type: 'not_sent', why }
      } finally {
        deadline.done()
      }
    },
    close: () => agent.close(),
  }
}

/** undici starts a request when it has a connection and is about to write: from here on bytes may have left. */
function markStart(handler: Dispatcher.DispatchHandler, mark: () => void): Dispatcher.DispatchHandler {
  return new Proxy(handler, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      if (key !== 'onRequestStart') return value.bind(target)
      return (...args: unknown[]) => {
        mark()
        return Reflect.apply(value, target, args)
      }
    },
  })
}

function read(text: string, password: string): { data: unknown; why: string } | null {
  try {
    const parsed = envelope.safeParse(JSON.parse(text))
    if (!parsed.success) return null
    return { data: parsed.data.data ?? null, why: serverWords(parsed.data.error?.message ?? parsed.data.message ?? '', [password]) }
  } catch {
    return null
  }
}

function retryAfter(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,5}$/.test(header) ? Number(header) * 1_000 : null
}
