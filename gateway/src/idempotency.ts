import { hash } from 'node:crypto'
import { AppError, errorTable, type IdempotencyStore, type IdPrefix, invalid, type Runtime } from '@trunkline/core'
import type { Engine } from './engine.ts'
import type { Answer } from './problem.ts'

/** How long a stored answer is replayed. */
export const answersKeptMs = 24 * 60 * 60_000
/** A claim as old as this belongs to a process that died. */
export const claimStaleMs = 60_000
const leftMax = 10_000

/** 1 to 255 visible ASCII characters, as a structured-field string or bare. Refuses anything else with VALIDATION. */
export function readKey(header: string): string {
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header)
  const key = quoted?.[1] === undefined ? header : quoted[1].replace(/\\(["\\])/g, '$1')
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw invalid('Idempotency-Key', 'must be 1 to 255 visible ASCII characters')
  return key
}

export interface Request {
  readonly workspaceId: string
  readonly key: string
  readonly method: string
  /** With its query. */
  readonly target: string
  readonly body: string
  readonly prefix: IdPrefix
  /** The answer holds a secret that is shown once: it is kept sealed. */
  readonly isSecret: boolean
}

interface Parts {
  store: IdempotencyStore
  sealer: Engine['sealer']
  runtime: Pick<Runtime, 'now' | 'id'>
  /** Claims from before this process started are a dead one's: nobody waits for them to become stale. */
  isAlone: boolean
}

/** A refusal that may turn into a success without a change by the caller is not worth keeping: the next try runs anew. */
function isPassing(answer: Answer): boolean {
  return answer.code !== null && (errorTable[answer.code].retry || answer.code === 'READ_ONLY' || answer.status === 429)
}

/**
 * Runs a write at most once per (workspace, key): the same request again gets the same bytes (draft-ietf-httpapi-idempotency-key-header-07).
 * Refuses: IDEMPOTENCY_RUNNING, IDEMPOTENCY_MISMATCH.
 *
 * A 5xx is not stored, and its claim is not freed either: it may have happened all the same. The row stays `running`, so that a
 * retry takes it over with the same resource id and finds what the first one made.
 */
export function createIdempotency({ store, sealer, runtime, isAlone }: Parts) {
  const startedAt = runtime.now().getTime()
  // Claims this process left behind by a 5xx: the next request with that key need not wait for the claim to become stale.
  const left = new Set<string>()

  return async (request: Request, run: (resourceId: string) => Promise<Answer>): Promise<Answer> => {
    const { workspaceId, key } = request
    const now = runtime.now()
    const place = `${workspaceId} ${key}`
    const claim = await store.claim({
      workspaceId,
      key,
      bodyHash: hash('sha256', `${request.method} ${request.target}\n${request.body}`, 'hex'),
      resourceId: runtime.id(request.prefix),
      now,
      staleBefore: new Date(left.delete(place) ? now.getTime() + 1 : Math.max(now.getTime() - claimStaleMs, isAlone ? startedAt : 0)),
      expiresAt: new Date(now.getTime() + answersKeptMs),
    })
    if (claim.type === 'running') throw new AppError('IDEMPOTENCY_RUNNING', 'The first request with this Idempotency-Key has not ended yet')
    if (claim.type === 'mismatch') throw new AppError('IDEMPOTENCY_MISMATCH', 'This Idempotency-Key was used with another request')
    if (claim.type === 'done') {
      const { status, body } = claim.answer
      const text = request.isSecret ? sealer.open(workspaceId, 'idempotency', body) : body
      return { status, text, code: null, headers: { 'idempotent-replayed': 'true' } }
    }
    const answer = await run(claim.resourceId)
    const leave = () => {
      if (left.size < leftMax) left.add(place)
    }
    if (answer.status >= 500) leave()
    else if (isPassing(answer)) await store.forget(workspaceId, key).catch(leave)
    else {
      const body = request.isSecret ? sealer.seal(workspaceId, 'idempotency', answer.text) : answer.text
      // It happened, whether or not the answer could be kept: a retry finds it by its resource id.
      await store.finish(workspaceId, key, { status: answer.status, body }).catch(leave)
    }
    return answer
  }
}

export type Idempotency = ReturnType<typeof createIdempotency>
