import { announce, type Relay } from '../event/event.ts'
import { revise } from '../event/revise.ts'
import type { Runtime } from '../runtime.ts'
import type { Checkup } from '../transport/transport.ts'
import { healthAfter } from './health.ts'
import type { Line } from './line.ts'
import type { LineStore } from './store.ts'

export type Observe = (workspaceId: string, lineId: string, found: Checkup) => Promise<Line | null>

/** Writes what one look at a line found into its health, with the event when that changed its status. Null when the line is gone. */
export function createObserve({ lines, runtime, relay }: { lines: LineStore; runtime: Pick<Runtime, 'now' | 'id'>; relay: Relay }): Observe {
  return async (workspaceId, lineId, found) => {
    const revised = await revise({
      load: () => lines.get(workspaceId, lineId),
      decide(line) {
        const at = runtime.now()
        const { health, changed } = healthAfter(line.health, found, at)
        const next = { ...line, health }
        if (!changed) return next
        const { status, reasons, consecutiveFailures, consecutiveSuccesses } = health
        const data = { status, previousStatus: line.health.status, reasons, consecutiveFailures, consecutiveSuccesses, lineId }
        return announce({ ...next, updatedAt: at }, { id: runtime.id('evt'), type: 'line.health_changed', at, data })
      },
      commit: (line) => lines.commit(line),
    })
    if (revised === null) return null
    if (revised.doc.outbox.length > 0) relay('line', revised.doc)
    return revised.doc
  }
}
