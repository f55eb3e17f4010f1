import type { Line } from '../line/line.ts'
import type { Hold } from './message.ts'

export type Route = { go: 'now'; line: Line } | { go: 'later'; hold: Hold }

/** A line with how many messages it may still send today. */
export interface Candidate {
  line: Line
  room: number
}

/**
 * The line a message leaves by. A pinned line is never exchanged. Else the line that already talks to the lead, while it may be
 * used; else the healthy line with the most room, `spread` (0 to 1) deciding between equals.
 */
export function route(wanted: { pinnedTo: string | null; talksTo: string | null; spread: number }, candidates: readonly Candidate[]): Route {
  if (wanted.pinnedTo !== null) {
    const line = candidates.find((candidate) => candidate.line.id === wanted.pinnedTo)?.line
    if (!line?.isActive) return later('no_line', `the line ${wanted.pinnedTo} is not active`)
    return usable(line) ? { go: 'now', line } : later('line_unhealthy', unhealthyDetail(line))
  }
  const active = candidates.filter(({ line }) => line.isActive)
  if (active.length === 0) return later('no_line', 'the workspace has no active line for this channel')
  const known = active.find(({ line }) => line.id === wanted.talksTo)
  if (known && usable(known.line)) return { go: 'now', line: known.line }
  const healthy = active.filter(({ line }) => usable(line))
  if (healthy.length === 0) return later('line_unhealthy', `no line of this channel is healthy: ${active.map(({ line }) => line.name).join(', ')}`)
  const rank = ({ line }: Candidate) => (line.health.status === 'healthy' ? 1 : 0)
  const best = healthy.reduce((a, b) => ((rank(b) - rank(a) || b.room - a.room) > 0 ? b : a))
  const equals = healthy.filter((candidate) => rank(candidate) === rank(best) && candidate.room === best.room)
  const chosen = equals[Math.floor(wanted.spread * equals.length)] ?? best
  return { go: 'now', line: chosen.line }
}

function usable(line: Line): boolean {
  return line.health.status !== 'unhealthy'
}

function unhealthyDetail(line: Line): string {
  return `the line ${line.name} is unhealthy: ${line.health.reasons.join('; ') || 'no reason known'}`
}

function later(reason: 'no_line' | 'line_unhealthy', detail: string): Route {
  return { go: 'later', hold: { reason, until: null, detail } }
}
