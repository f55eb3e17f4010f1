import { readFileSync } from 'node:fs'
import { type Exactness, exactness } from './exact.ts'
import type { Load, Loaded } from './loader.ts'
import type { Place } from './place.ts'

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Two for each place of a worker: enough that none waits for the client, and soon full on a slow machine, where accepting would otherwise starve the rest. */
const windowMax = 512

export interface Flow {
  loaded: Loaded
  /** Events that came per second while the client posted, the first `warmMs` left out. */
  perSecond: number
  /** Accepted per second in the same time. */
  acceptedPerSecond: number
}

/**
 * Posts at full speed with a bounded number of messages under way, so that what is measured is the whole way and not how fast a backlog
 * grows. `before` counts what came to the receiver and was accepted earlier.
 */
export async function saturate(
  place: Place,
  { seconds, warmSeconds, what }: { seconds: number; warmSeconds: number; what: Load['what'] },
): Promise<Flow> {
  const pace = { type: 'full', inFlight: 64, windowMax } as const
  let isOver = false
  const seen: { atMs: number; count: number }[] = []
  const feed = async () => {
    while (!isOver) {
      const { distinct } = await place.receiver.ask('count', undefined as never)
      seen.push({ atMs: performance.now(), count: distinct })
      await place.drained(distinct)
      await pause(10)
    }
  }
  const feeding = feed()
  const startedMs = performance.now()
  const loaded = await place.load({ what, pace, seconds: seconds + warmSeconds })
  const endedMs = performance.now()
  isOver = true
  await feeding
  const measured = seen.filter((one) => one.atMs >= startedMs + warmSeconds * 1_000 && one.atMs <= endedMs)
  const [first, last] = [measured[0], measured.at(-1)]
  const spanMs = (last?.atMs ?? 0) - (first?.atMs ?? 0)
  const from = loaded.fromMs + warmSeconds * 1_000
  const accepted = loaded.accepted.filter((one) => one.atMs >= from).length
  return {
    loaded,
    perSecond: (((last?.count ?? 0) - (first?.count ?? 0)) / spanMs) * 1_000,
    acceptedPerSecond: (accepted / (loaded.toMs - from)) * 1_000,
  }
}

export interface Drained extends Exactness {
  /** The last arrival, on the machine's monotonic clock. */
  lastAtMs: number
  badSignatures: number
  sampledSignatures: number
}

/** Waits until each accepted subject was told, or nothing came for `patienceMs`, and says what is missing. */
export async function drain(place: Place, accepted: readonly string[], event: string, patienceMs: number): Promise<Drained> {
  const ask = () => place.receiver.ask('count', undefined as never)
  let count = await ask()
  for (let quietSince = performance.now(); performance.now() - quietSince < patienceMs; ) {
    if (count.distinct >= accepted.length) {
      // The count may hold events of other kinds, or of another's: only the ids tell.
      if (exactness(accepted, await place.receiver.ask('arrivals', undefined as never), event).missing === 0) break
      await pause(250)
    }
    await pause(20)
    const next = await ask()
    if (next.posts !== count.posts) quietSince = performance.now()
    count = next
  }
  const arrivals = await place.receiver.ask('arrivals', undefined as never)
  const { sampled, bad } = await place.receiver.ask('signatures', undefined as never)
  const result = exactness(accepted, arrivals, event)
  // What the hub said about it is the only trace of why.
  if (!result.exact) for (const { process: hub } of place.hubs) process.stderr.write(`${hub.output().slice(-3_000)}\n`)
  return { ...result, exact: result.exact && bad === 0, lastAtMs: count.lastAtMs, badSignatures: bad, sampledSignatures: sampled }
}

/** Resident megabytes of a process, now and at most; null where the system does not tell. */
export function residentMb(pid: number): { now: number; most: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024
    return { now: kb('VmRSS'), most: kb('VmHWM') }
  } catch {
    return null
  }
}
