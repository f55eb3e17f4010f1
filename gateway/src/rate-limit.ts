import type { Runtime } from '@trunkline/core'
import type { RouteClass } from './http-config.ts'

const windowMs = 60_000
const keysMax = 50_000

export interface Verdict {
  allowed: boolean
  /** draft-ietf-httpapi-ratelimit-headers-11, and Retry-After (seconds) on a refusal. */
  headers: Record<string, string>
  retryAfter: number
}

/**
 * Fixed windows of a minute, in this process: with N processes a workspace may get up to N times the limit. That is accepted: the
 * limit protects a process, and what costs money (places on lines, checks) is counted in the store.
 */
export function createWindows({ runtime }: { runtime: Pick<Runtime, 'now'> }) {
  const windows = new Map<string, { until: number; count: number }>()
  function current(key: string, now: number) {
    let window = windows.get(key)
    if (window === undefined || window.until <= now) {
      if (windows.size >= keysMax) for (const [other, { until }] of windows) if (until <= now) windows.delete(other)
      // Everything is in use and new: forget the oldest rather than grow without end.
      if (windows.size >= keysMax) windows.delete(windows.keys().next().value ?? key)
      window = { until: now + windowMs, count: 0 }
      windows.delete(key)
      windows.set(key, window)
    }
    return window
  }
  return {
    /** Counts one and says how many there are now, and for how many seconds the window lasts. */
    hit(key: string): { count: number; seconds: number } {
      const now = runtime.now().getTime()
      const window = current(key, now)
      window.count++
      return { count: window.count, seconds: Math.ceil((window.until - now) / 1000) }
    },
    peek(key: string): { count: number; seconds: number } {
      const now = runtime.now().getTime()
      const window = windows.get(key)
      if (window === undefined || window.until <= now) return { count: 0, seconds: 0 }
      return { count: window.count, seconds: Math.ceil((window.until - now) / 1000) }
    },
  }
}

export type Windows = ReturnType<typeof createWindows>

const unlimited: Verdict = { allowed: true, headers: {}, retryAfter: 0 }

/** Requests per minute, by workspace and class of route. */
export function createLimiter({ runtime, limits }: { runtime: Pick<Runtime, 'now'>; limits: Readonly<Record<RouteClass, number>> | null }) {
  if (limits === null) return () => unlimited
  const windows = createWindows({ runtime })
  const policies: Record<RouteClass, string> = {
    send: `"send";q=${limits.send};w=60`,
    availability: `"availability";q=${limits.availability};w=60`,
    default: `"default";q=${limits.default};w=60`,
  }
  return (workspaceId: string, routeClass: RouteClass): Verdict => {
    const { count, seconds } = windows.hit(`${routeClass} ${workspaceId}`)
    const allowed = count <= limits[routeClass]
    const headers: Record<string, string> = {
      'ratelimit-policy': policies[routeClass],
      ratelimit: `"${routeClass}";r=${Math.max(0, limits[routeClass] - count)};t=${seconds}`,
    }
    return { allowed, headers, retryAfter: seconds }
  }
}
