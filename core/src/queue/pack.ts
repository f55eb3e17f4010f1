import type { Hint, HintKind } from './queue.ts'

/** A hint as it lies in a job: ids, and how often it has run and been rejected (absent: never). */
export type Packed = readonly [workspaceId: string, id: string, attempt?: number]

export interface JobSpec {
  readonly hints: readonly Packed[]
  /** Set where the same job may be added twice and has to be one: a hint for a time. Absent: any fresh id. */
  readonly jobId?: string
  readonly delayMs: number
  readonly urgent: boolean
}

/** Hints per job: large enough to make the queue's own cost per hint small, small enough to be shared between workers. */
export const hintsPerJobMax = 50

/** BullMQ refuses `:` in an id (and ids that are integers: the dash sees to that). Escaping keeps different ids different. */
function plain(id: string): string {
  return id.replaceAll('%', '%25').replaceAll(':', '%3A')
}

/** The workspace is part of it, or equal ids of two workspaces would swallow each other. */
export function delayedJobId(workspaceId: string, id: string, at: Date): string {
  return `${plain(workspaceId)}.${plain(id)}-${at.getTime()}`
}

/**
 * Hints that came together, as few jobs: those for now share jobs of up to fifty of their kind, each of those for later has a job of its own.
 * The same hint twice is once; urgent wins.
 */
export function pack(hints: readonly Hint[], now: Date): Map<HintKind, JobSpec[]> {
  const kinds = new Map<HintKind, { ready: Map<string, Hint>; jobs: Map<string, JobSpec> }>()
  for (const hint of hints) {
    const kind = kinds.get(hint.kind) ?? { ready: new Map(), jobs: new Map() }
    kinds.set(hint.kind, kind)
    if (hint.at !== undefined && hint.at > now) {
      const jobId = delayedJobId(hint.workspaceId, hint.id, hint.at)
      const delayMs = hint.at.getTime() - now.getTime()
      kind.jobs.set(jobId, { hints: [[hint.workspaceId, hint.id]], jobId, delayMs, urgent: false })
    } else {
      const key = `${hint.workspaceId}/${hint.id}`
      if (hint.urgent === true || !kind.ready.has(key)) kind.ready.set(key, hint)
    }
  }
  return new Map([...kinds].map(([name, { ready, jobs }]) => [name, [...packReady([...ready.values()]), ...jobs.values()]]))
}

function packReady(ready: readonly Hint[]): JobSpec[] {
  const urgent = ready.filter((hint) => hint.urgent === true)
  const normal = ready.filter((hint) => hint.urgent !== true)
  const jobs: JobSpec[] = []
  for (const group of [urgent, normal]) {
    for (let i = 0; i < group.length; i += hintsPerJobMax) {
      const hints = group.slice(i, i + hintsPerJobMax).map((hint): Packed => [hint.workspaceId, hint.id])
      jobs.push({ hints, delayMs: 0, urgent: group === urgent })
    }
  }
  return jobs
}

/** The job that tries one rejected hint again. */
export function retryJob([workspaceId, id]: Packed, attempt: number, delayMs: number, now: Date): JobSpec {
  const jobId = delayedJobId(workspaceId, id, new Date(now.getTime() + delayMs))
  return { hints: [[workspaceId, id, attempt]], jobId, delayMs, urgent: false }
}

/** What lies in a job, checked: somebody else may write to the same server. Null when it is no job of ours. */
export function unpack(data: unknown): Packed[] | null {
  if (!Array.isArray(data)) return null
  const items: unknown[] = data
  const hints: Packed[] = []
  for (const item of items) {
    if (!Array.isArray(item)) return null
    const [workspaceId, id, attempt = 0]: unknown[] = item
    if (typeof workspaceId !== 'string' || typeof id !== 'string' || typeof attempt !== 'number') return null
    hints.push([workspaceId, id, attempt])
  }
  return hints
}
