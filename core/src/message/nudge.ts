import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Commits } from './commit.ts'
import type { HoldReason, Message } from './message.ts'

export interface Nudge {
  /** A place of this line was given back: somebody who waits for one looks again. */
  freed(workspaceId: string, lineId: string): void
  /** The line was changed: all that wait on it look again. */
  line(workspaceId: string, lineId: string): Promise<void>
  /** A line of this workspace is healthy again: all that wait for one look again, bound to it or to none. */
  recovered(workspaceId: string): Promise<void>
  /** The workspace was changed: all that wait in it look again, as far as one look reaches. */
  workspace(workspaceId: string): Promise<void>
}

const waitsForPlace: readonly HoldReason[] = ['daily_total_limit', 'daily_new_limit', 'hourly_new_limit']
const waitsForLine: readonly HoldReason[] = ['line_unhealthy', 'no_line', 'availability_error']
const pageMax = 1_000
const pagesMax = 20
/** Places come back in bursts: an opt-out or a cancelled batch is one look, not many. */
const gatherMs = 100

/** Brings forward what waits for something that has just changed. A message that still has to wait says so again, with its new reason. */
export function createNudge({
  stores,
  runtime,
  commits,
}: {
  stores: Pick<Stores, 'messages'>
  runtime: Runtime
  commits: Pick<Commits, 'postpone'>
}): Nudge {
  const places = new Map<string, { workspaceId: string; count: number }>()

  async function wake(messages: readonly Message[]): Promise<void> {
    const now = runtime.now()
    const asleep = messages.filter(
      (message) => message.status === 'queued' && message.dueAt !== null && message.dueAt > now && message.hold?.reason !== 'retry',
    )
    await Promise.all(asleep.map((message) => commits.postpone(message, now)))
  }

  async function wakeAll(workspaceId: string, isMeant: (message: Message) => boolean): Promise<void> {
    let cursor: string | null | undefined
    for (let page = 0; page < pagesMax && cursor !== null; page++) {
      const found: { messages: Message[]; nextCursor: string | null } = await stores.messages.find(
        workspaceId,
        { status: 'queued' },
        { limit: pageMax, ...(cursor === undefined ? {} : { cursor }) },
      )
      await wake(found.messages.filter(isMeant))
      cursor = found.nextCursor
    }
  }

  async function handOut(lineId: string): Promise<void> {
    const freed = places.get(lineId)
    places.delete(lineId)
    if (!freed) return
    const open = await stores.messages.openOfLine(freed.workspaceId, lineId, pageMax)
    const waiting = open.filter((message) => message.hold !== null && waitsForPlace.includes(message.hold.reason))
    const first = waiting
      .sort((a, b) => Number(b.priority === 'high') - Number(a.priority === 'high') || (a.id < b.id ? -1 : 1))
      .slice(0, freed.count)
    await wake(first)
  }

  return {
    freed(workspaceId, lineId) {
      const known = places.get(lineId)
      if (known) {
        known.count++
        return
      }
      places.set(lineId, { workspaceId, count: 1 })
      runtime.after(gatherMs, () => {
        // Lost with the process or the store, a nudge costs time and nothing else: each hold has its own end.
        handOut(lineId).catch((error: unknown) => runtime.log.warn({ error, lineId }, 'nudge.failed'))
      })
    },
    line: async (workspaceId, lineId) => wake(await stores.messages.openOfLine(workspaceId, lineId, pageMax * 5)),
    recovered: (workspaceId) => wakeAll(workspaceId, (message) => message.hold !== null && waitsForLine.includes(message.hold.reason)),
    workspace: (workspaceId) => wakeAll(workspaceId, () => true),
  }
}
