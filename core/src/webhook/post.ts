import { isIP } from 'node:net'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { retryAfterMs } from '../event/retry.ts'
import type { Runtime } from '../runtime.ts'
import { refuseAddress, refuseUrl } from './guard.ts'
import { guardedLookup, RefusedAddress, type Resolve, systemResolve } from './resolve.ts'

export interface PostRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

export interface PostResult {
  /** Null when no answer came. */
  readonly statusCode: number | null
  readonly latencyMs: number
  /** Null on 2xx; never holds the address. */
  readonly error: string | null
  readonly retryAfterMs: number | null
  /** The first 1 kB of the answer, as text. */
  readonly response: string
}

export interface Poster {
  /** POSTs JSON once. Never throws, follows no redirect, and ends within the time limit whatever the other side does. */
  post(request: PostRequest): Promise<PostResult>
  /** Lets go of every socket; what is under way ends as an error. */
  close(): Promise<void>
}

export interface PosterOptions {
  readonly allowPrivate: boolean
  readonly runtime: Pick<Runtime, 'now' | 'after'>
  /** For everything: name, connection, request, answer. */
  readonly timeoutMs?: number
  readonly resolve?: Resolve
  readonly socketsPerOriginMax?: number
}

const readMaxBytes = 64 * 1024
const shownMaxBytes = 1024
const targetsMax = 2_000

/** The way out to webhook endpoints: pooled sockets per origin, addresses checked as they are connected to (hardening.md §2). */
export function createPoster({ allowPrivate, runtime, timeoutMs = 15_000, resolve, socketsPerOriginMax = 64 }: PosterOptions): Poster {
  const guard = { allowPrivate }
  const connector = buildConnector({ allowH2: false, timeout: timeoutMs, lookup: guardedLookup(resolve ?? systemResolve(guard), guard) })
  const agent = new Agent({
    // The total limit below covers headers and body; undici's own would only cut in at other moments.
    headersTimeout: 0,
    bodyTimeout: 0,
    connections: socketsPerOriginMax,
    pipelining: 1,
    keepAliveTimeout: 10_000,
    keepAliveMaxTimeout: 60_000,
    allowH2: false,
    connect(options, callback) {
      // A literal address skips the lookup, so it is looked at here.
      const why = isIP(options.hostname) === 0 ? null : refuseAddress(options.hostname, guard)
      if (why) callback(new RefusedAddress(why), null)
      else connector(options, callback)
    },
  })

  const targets = new Map<string, { origin: string; path: string } | { refused: string }>()
  const targetOf = (url: string) => {
    let target = targets.get(url)
    if (!target) {
      const refused = refuseUrl(url, guard)
      const parsed = refused === null ? new URL(url) : null
      target = parsed ? { origin: parsed.origin, path: parsed.pathname + parsed.search } : { refused: refused ?? 'the URL is not valid' }
      if (targets.size >= targetsMax) targets.clear()
      targets.set(url, target)
    }
    return target
  }

  return {
    post({ url, headers, body, signal }) {
      const startedAt = runtime.now().getTime()
      const { promise, resolve: settle } = Promise.withResolvers<PostResult>()
      const target = targetOf(url)
      const seen: Seen = { statusCode: null, retryAfterMs: null, chunks: [], bytes: 0 }
      let controller: Dispatcher.DispatchController | null = null
      let isDone = false

      const done = (error: string | null) => {
        if (isDone) return
        isDone = true
        cancelTimer()
        signal.removeEventListener('abort', onAbort)
        settle({
          statusCode: seen.statusCode,
          latencyMs: runtime.now().getTime() - startedAt,
          error,
          retryAfterMs: seen.retryAfterMs,
          response: shown(seen),
        })
      }
      const stop = (error: string | null) => {
        done(error)
        controller?.abort(new Error(error ?? 'read enough'))
      }
      const onAbort = () => stop('called off')
      const cancelTimer = runtime.after(timeoutMs, () => stop(`no complete answer within ${timeoutMs} ms`))
      signal.addEventListener('abort', onAbort, { once: true })

      if ('refused' in target) done(`refused: ${target.refused}`)
      else if (signal.aborted) done('called off')
      else {
        try {
          agent.dispatch(
            { origin: target.origin, path: target.path, method: 'POST', headers: { ...fixedHeaders, ...headers }, body },
            {
              onRequestStart(started) {
                controller = started
                // It waited for a socket longer than it may take: it must not go out now that it is counted as failed.
                if (isDone) started.abort(new Error('too late'))
              },
              onResponseStart(_, statusCode, answered) {
                seen.statusCode = statusCode
                const header = answered['retry-after']
                seen.retryAfterMs = retryAfterMs(typeof header === 'string' ? header : null, runtime.now())
              },
              onResponseData(_, chunk) {
                seen.bytes += chunk.length
                if (seen.chunks.length === 0 || seen.bytes - chunk.length < shownMaxBytes) seen.chunks.push(chunk)
                if (seen.bytes > readMaxBytes) stop(errorOf(seen.statusCode))
              },
              onResponseEnd: () => done(errorOf(seen.statusCode)),
              onResponseError: (_, error) => done(nameOf(error)),
            },
          )
        } catch (error) {
          done(nameOf(error))
        }
      }
      return promise
    },
    async close() {
      await agent.destroy()
    },
  }
}

const fixedHeaders = { 'content-type': 'application/json', 'user-agent': 'Trunkline-Webhooks/1' }

interface Seen {
  statusCode: number | null
  retryAfterMs: number | null
  readonly chunks: Buffer[]
  bytes: number
}

function shown({ chunks }: Seen): string {
  if (chunks.length === 0) return ''
  // `stream` keeps back a character that the cut went through.
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, shownMaxBytes), { stream: true })
}

function errorOf(statusCode: number | null): string | null {
  if (statusCode === null) return 'no answer'
  if (statusCode >= 200 && statusCode < 300) return null
  return statusCode >= 300 && statusCode < 400 ? `HTTP ${statusCode}: redirects are not followed` : `HTTP ${statusCode}`
}

const namesOfCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'the name does not resolve',
  ENODATA: 'the name does not resolve',
  EAI_AGAIN: 'the name does not resolve',
  ESERVFAIL: 'the name does not resolve',
  ETIMEOUT: 'the name servers do not answer',
  ETIMEDOUT: 'no connection in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_SOCKET: 'connection lost',
}

/** Codes only: messages of the network stack quote addresses, which are not for every reader of a delivery. */
function nameOf(error: unknown): string {
  if (error instanceof RefusedAddress) return `refused: ${error.message}`
  if (error instanceof AggregateError && error.errors.length > 0) return nameOf(error.errors[0])
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
  return namesOfCodes[code] ?? `connection failed (${code})`
}
