import { timingSafeEqual } from 'node:crypto'
import type { Runtime } from '../runtime.ts'
import type { Checkup } from '../transport/transport.ts'
import { failuresUntilUnhealthy } from './health.ts'
import type { Line } from './line.ts'
import type { Observe } from './observe.ts'
import type { LineStore } from './store.ts'

export interface KeeperParts {
  lines: LineStore
  runtime: Runtime
  observe: Observe
  checkup(line: Line): Promise<Checkup>
}

export interface Keeper {
  /** The line as its bridge describes itself: asked once when nobody has asked yet. */
  examined(line: Line): Promise<Line>
  /** What a real send or check said: failures in a row count like failed checks. Never rejects: a note is no reason to fail a message. */
  outcome(line: Line, why: string | null): Promise<void>
  /** The active check of every line. */
  checkAll(): Promise<void>
  /** The line of a bridge's call, if the secret is right. */
  byHook(lineId: string, secret: string): Promise<Line | null>
}

const batch = 50

/** Keeps the health of lines: asks them in turn, and listens to what real calls bring. */
export function createKeeper({ lines, runtime, observe, checkup }: KeeperParts): Keeper {
  const examining = new Map<string, Promise<Line>>()
  /** Failures in a row of real calls, per line, in this process: a vendor that answers pings and fails at work is not healthy. */
  const failures = new Map<string, number>()

  /** Lines of which a real call's failure is being written: all that fail at the same moment are one observation. */
  const observing = new Set<string>()

  async function check(line: Line): Promise<Line> {
    return (await observe(line.workspaceId, line.id, await checkup(line))) ?? line
  }

  return {
    async examined(line) {
      if (line.health.lastCheckedAt !== null || line.health.canCheckAvailability) return line
      let asking = examining.get(line.id)
      if (!asking) {
        asking = check(line).finally(() => examining.delete(line.id))
        examining.set(line.id, asking)
      }
      return asking
    },
    async outcome(line, why) {
      // What fails in the sandbox fails because its address asks for it, and says nothing of the line.
      if (line.transport.type === 'sandbox') return
      if (why === null) {
        failures.delete(line.id)
        return
      }
      const count = (failures.get(line.id) ?? 0) + 1
      failures.set(line.id, count)
      if (count < failuresUntilUnhealthy || observing.has(line.id)) return
      observing.add(line.id)
      try {
        await observe(line.workspaceId, line.id, {
          ok: false,
          why: `${count} calls in a row failed; last: ${why}`,
          canCheckAvailability: line.health.canCheckAvailability,
        })
      } catch (error) {
        runtime.log.warn({ error, lineId: line.id }, 'what a call said of its line could not be written')
      } finally {
        observing.delete(line.id)
      }
    },
    async checkAll() {
      let after: string | null = null
      for (;;) {
        const page: Line[] = await lines.active(after, batch)
        const checked = await Promise.allSettled(page.map(check))
        for (const result of checked) if (result.status === 'rejected') runtime.log.warn({ error: result.reason }, 'a line could not be checked')
        const last = page.at(-1)
        if (!last || page.length < batch) return
        after = last.id
      }
    },
    async byHook(lineId, secret) {
      const line = await lines.byHook(lineId)
      const given = Buffer.from(secret)
      const expected = Buffer.from(line?.hookSecret ?? '')
      return line !== null && given.length === expected.length && timingSafeEqual(given, expected) ? line : null
    },
  }
}
