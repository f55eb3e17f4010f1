import type { Way } from './options.ts'

/** One line of what is printed. */
export interface Figure {
  way: Way
  figure: string
  reached: string
  /** Of hardening.md §3, or what else it is to be compared with. */
  target: string
  /** Of the same unit as bare BullMQ's no-op jobs/s; null where that comparison means nothing. */
  perSecond: number | null
  /** How delivery was verified, and what came of it. */
  verified: string
  /** False: what was accepted did not come out exactly once. */
  isExact: boolean
}

export interface BareFigure {
  name: string
  jobsPerSecond: number
}

export function whole(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-GB').replaceAll(',', ' ') : 'none'
}

export function millis(value: number): string {
  return Number.isFinite(value) ? `${value < 100 ? value.toFixed(1) : Math.round(value)} ms` : 'none'
}

/** The figures as a table for people, each beside bare BullMQ of the same run and way. */
export function table(figures: readonly Figure[], bare: ReadonlyMap<Way, BareFigure>): string {
  const rows = figures.map((one) => {
    const beside = bare.get(one.way)
    const ratio = beside === undefined || one.perSecond === null ? '' : (one.perSecond / beside.jobsPerSecond).toFixed(2)
    const besides = one.perSecond === null ? '' : beside === undefined ? 'no Redis here' : `${whole(beside.jobsPerSecond)}/s (${beside.name})`
    return [one.way, one.figure, one.reached, one.target, besides, ratio, one.verified]
  })
  const all = [['way', 'figure', 'reached', 'target', 'bare BullMQ', 'ratio', 'verified'], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  return `${lines.join('\n')}\n`
}
