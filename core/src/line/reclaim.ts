import type { Stores } from '../store/stores.ts'
import type { Capacity } from './capacity.ts'
import { claimOf } from './claim.ts'

const batch = 50

/**
 * Looks through what the lines hold for messages: a place that nobody claims goes back to the day it counts on, one whose message left is
 * settled. Places are taken before they are written on their message, so a crash in between leaves them to nobody.
 */
export function createReclaim({
  stores,
  capacity,
  freed,
}: {
  stores: Pick<Stores, 'lines' | 'messages'>
  capacity: Pick<Capacity, 'release' | 'settle'>
  /** A place was given back. */
  freed(workspaceId: string, lineId: string): void
}): () => Promise<void> {
  async function look(workspaceId: string, lineId: string): Promise<void> {
    const { held } = await stores.lines.ledger(workspaceId, lineId)
    for (const [messageId, { day }] of Object.entries(held)) {
      const whose = claimOf(await stores.messages.get(workspaceId, messageId), lineId)
      if (whose === 'used') capacity.settle(workspaceId, lineId, messageId)
      if (whose !== 'left') continue
      await capacity.release(workspaceId, lineId, messageId, day)
      freed(workspaceId, lineId)
    }
  }

  return async () => {
    let after: string | null = null
    for (;;) {
      const lines = await stores.lines.active(after, batch)
      await Promise.all(lines.map((line) => look(line.workspaceId, line.id)))
      const last = lines.at(-1)
      if (!last || lines.length < batch) return
      after = last.id
    }
  }
}
