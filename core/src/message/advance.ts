import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Attempts } from './attempt.ts'
import type { Commits } from './commit.ts'
import type { Message } from './message.ts'
import type { Move } from './move.ts'

export interface AdvanceParts {
  stores: Pick<Stores, 'messages' | 'lines'>
  runtime: Pick<Runtime, 'now'>
  commits: Commits
  attempts: Attempts
  move: Move
}

/** Brings one message as far as it can go now. Called with a hint: early, late, twice or for a message long done, it does no harm. */
export type Advance = (workspaceId: string, id: string, signal: AbortSignal) => Promise<void>

export function createAdvance({ stores, runtime, commits, attempts, move }: AdvanceParts): Advance {
  /** Ids in hand here; true when somebody hinted again meanwhile. */
  const running = new Map<string, boolean>()
  const lanes = new Map<string, Promise<void>>()

  async function advance(workspaceId: string, id: string, signal: AbortSignal): Promise<void> {
    const message = await stores.messages.get(workspaceId, id)
    if (message === null || message.dueAt === null) return
    if (message.dueAt > runtime.now()) return commits.hint(message)
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

  return async (workspaceId, id, signal) => {
    // Two hints at the same time: the second would lose the race, but what it is about may be news to the first.
    if (running.has(id)) {
      running.set(id, true)
      return
    }
    try {
      do {
        running.set(id, false)
        await advance(workspaceId, id, signal)
      } while (running.get(id) === true && !signal.aborted)
    } finally {
      running.delete(id)
    }
  }
}
