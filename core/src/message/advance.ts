import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Attempts } from './attempt.ts'
import type { Commits } from './commit.ts'
import type { Message } from './message.ts'
import type { Move } from './move.ts'

export interface AdvanceParts {
  stores: Pick<Stores, 'messages' | 'lines'>
  runtime: Pick<Runtime, 'now' | 'after' | 'random'>
  commits: Commits
  attempts: Attempts
  move: Move
  /** Takes over work that nobody waits for any more. It may reject: the sweeper brings the message again. */
  leave(work: Promise<void>): void
}

/** What takes longer than this is in the hands of a slow bridge: it goes on by itself, and its place is somebody else's. */
const slowAfterMs = 1_000
/** So much may be slow at the same time on one line (where none is chosen yet: in one workspace); what else is meant for it comes again later. */
const slowPerLaneMax = 64
/** Beyond this, places are not given back: what is under way lies in memory. */
const slowMax = 4_096
const againMs = 15_000

/** Brings one message as far as it can go now. Called with a hint: early, late, twice or for a message long done, it does no harm. */
export type Advance = (workspaceId: string, id: string, signal: AbortSignal) => Promise<void>

export function createAdvance({ stores, runtime, commits, attempts, move, leave }: AdvanceParts): Advance {
  /** Ids in hand here; `again` when somebody hinted meanwhile; whose slowness it would be. */
  const running = new Map<string, { again: boolean; lane: string }>()
  const lanes = new Map<string, Promise<void>>()
  /** How much is slow, per line or workspace. */
  const slow = new Map<string, number>()
  let slowCount = 0

  async function advance(workspaceId: string, id: string, signal: AbortSignal, entry: { lane: string }): Promise<void> {
    const message = await stores.messages.get(workspaceId, id)
    if (message === null || message.dueAt === null) return
    const now = runtime.now()
    if (message.dueAt > now) return commits.hint(message)
    entry.lane = message.attempt?.lineId ?? message.fromLineId ?? workspaceId
    if ((slow.get(entry.lane) ?? 0) >= slowPerLaneMax) {
      return commits.postpone(message, new Date(now.getTime() + againMs * (1 + runtime.random())))
    }
    if (message.reservation?.state === 'releasing') return commits.release(message)
    if (message.status === 'sending' || message.status === 'sent') {
      const lineId = message.attempt?.lineId ?? message.fromLineId
      const line = lineId === null ? null : await stores.lines.get(workspaceId, lineId)
      return message.status === 'sending' ? attempts.reconcile(message, line) : attempts.follow(message, line)
    }
    if (message.status === 'queued' || message.status === 'pending') return inTurn(message, signal)
    return commits.postpone(message, null)
  }

  /** Messages to one lead leave in the order they came, as far as this process sees them; the vendor's slowness is not waited for. */
  async function inTurn(message: Message, signal: AbortSignal): Promise<void> {
    const lane = message.leadId ?? message.id
    const before = lanes.get(lane)
    const { promise, resolve } = Promise.withResolvers<void>()
    lanes.set(lane, promise)
    try {
      await before
      const fresh = before === undefined ? message : await stores.messages.get(message.workspaceId, message.id)
      if (fresh === null || fresh.dueAt === null || (fresh.status !== 'queued' && fresh.status !== 'pending')) return
      if (fresh.dueAt > runtime.now()) return commits.hint(fresh)
      await move(fresh, signal, resolve)
    } finally {
      resolve()
      if (lanes.get(lane) === promise) lanes.delete(lane)
    }
  }

  async function bring(workspaceId: string, id: string, signal: AbortSignal, entry: { again: boolean; lane: string }): Promise<void> {
    running.set(id, entry)
    try {
      do {
        entry.again = false
        await advance(workspaceId, id, signal, entry)
      } while (entry.again && !signal.aborted)
    } finally {
      running.delete(id)
    }
  }

  function countSlow(lane: string, by: 1 | -1): void {
    slowCount += by
    const count = (slow.get(lane) ?? 0) + by
    if (count === 0) slow.delete(lane)
    else slow.set(lane, count)
  }

  return async (workspaceId, id, signal) => {
    // Two hints at the same time: the second would lose the race, but what it is about may be news to the first.
    const known = running.get(id)
    if (known) {
      known.again = true
      return
    }
    const entry = { again: false, lane: workspaceId }
    const work = bring(workspaceId, id, signal, entry)
    const { promise: late, resolve } = Promise.withResolvers<'late'>()
    const cancel = runtime.after(slowAfterMs, () => resolve('late'))
    const first = await Promise.race([work, late]).finally(cancel)
    if (first !== 'late') return
    if (slowCount >= slowMax) return work
    const { lane } = entry
    countSlow(lane, 1)
    leave(work.finally(() => countSlow(lane, -1)))
  }
}
