import type { Capacity } from '../line/capacity.ts'
import type { Line } from '../line/line.ts'
import type { CheckedAddress, Hold } from '../message/message.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Transports } from '../transport/registry.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { nextCheck } from './order.ts'
import type { Answer } from './store.ts'

export type Reach =
  | { go: 'use'; address: string; checked: CheckedAddress[] }
  | { go: 'none'; checked: CheckedAddress[] }
  /** Nobody here can ask: the channel's own answer will decide. */
  | { go: 'blind'; address: string; checked: CheckedAddress[] }
  | { go: 'later'; hold: Hold; checked: CheckedAddress[] }

export interface Probe {
  /**
   * The first address on iMessage, in the order given. Fresh answers cost nothing; each question costs the asking line one check of
   * its day and its device's gap. Stops at the first hit. `preferred` is asked first; other healthy lines are borrowed.
   */
  reach(workspace: Workspace, addresses: readonly string[], preferred: string | null, signal: AbortSignal): Promise<Reach>
}

export interface ProbeParts {
  stores: Stores
  runtime: Runtime
  transports: Transports
  capacity: Capacity
  /** Asks the line's bridge what it can do, once, when nobody has yet. */
  examined(line: Line): Promise<Line>
  /** A check of this line failed or worked: part of its health. */
  outcome(line: Line, why: string | null): Promise<void>
}

const errorRetryMs = 60_000

export function createProbe({ stores, runtime, transports, capacity, examined, outcome }: ProbeParts): Probe {
  type Asked = { type: 'answer'; answer: Answer } | { type: 'later'; hold: Hold } | { type: 'nobody' }

  async function askers(workspace: Workspace, preferred: string | null): Promise<Line[]> {
    const lines = (await stores.lines.list(workspace.id, 'imessage')).filter((line) => line.isActive)
    const seen = await Promise.all(lines.map(examined))
    const capable = seen.filter((line) => line.health.status !== 'unhealthy' && line.health.canCheckAvailability)
    return capable.sort((a, b) => Number(b.id === preferred) - Number(a.id === preferred))
  }

  async function ask(workspace: Workspace, lines: readonly Line[], address: string, signal: AbortSignal): Promise<Asked> {
    const full: Date[] = []
    const busy: Date[] = []
    const errors: string[] = []
    for (const line of lines) {
      const turn = await capacity.takeCheck(line, runtime.now())
      if (turn.go === 'never') full.push(turn.until)
      else if (turn.go === 'later') busy.push(turn.until)
      else {
        const result = await transports.of(line).check(address, signal)
        if (result.type === 'error') {
          errors.push(`${line.name}: ${result.why}`)
          await outcome(line, result.why)
          continue
        }
        await outcome(line, null)
        const checkedAt = runtime.now()
        const hours = result.available ? workspace.availability.availableTtlHours : workspace.availability.unavailableTtlHours
        const answer = {
          address,
          available: result.available,
          checkedAt,
          expiresAt: new Date(checkedAt.getTime() + hours * 3_600_000),
          lineId: line.id,
        }
        await stores.availability.put(workspace.id, answer)
        return { type: 'answer', answer }
      }
    }
    const soonest = (dates: readonly Date[]) => new Date(Math.min(...dates.map((date) => date.getTime())))
    if (busy.length > 0) return { type: 'later', hold: { reason: 'gap', until: soonest(busy), detail: 'availability checks of a device keep a gap' } }
    if (errors.length > 0) {
      const until = new Date(runtime.now().getTime() + errorRetryMs)
      return { type: 'later', hold: { reason: 'availability_error', until, detail: errors.join('; ').slice(0, 500) } }
    }
    if (full.length > 0)
      return {
        type: 'later',
        hold: { reason: 'availability_quota', until: soonest(full), detail: 'every line has used its availability checks of today' },
      }
    return { type: 'nobody' }
  }

  return {
    async reach(workspace, addresses, preferred, signal) {
      const answers = await stores.availability.get(workspace.id, addresses)
      const asked = new Set<string>()
      let lines: Line[] | null = null
      for (;;) {
        const walk = nextCheck(addresses, answers, runtime.now())
        const checked = walk.checked.map((entry) => (asked.has(entry.address) ? entry : { ...entry, source: 'cache' }))
        if (walk.go !== 'ask') return { ...walk, checked }
        lines ??= await askers(workspace, preferred)
        const result = await ask(workspace, lines, walk.address, signal)
        if (result.type === 'nobody') return { go: 'blind', address: walk.address, checked }
        if (result.type === 'later') return { go: 'later', hold: result.hold, checked }
        asked.add(walk.address)
        answers.push(result.answer)
      }
    },
  }
}
