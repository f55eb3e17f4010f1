import type { Checkup } from '../transport/transport.ts'
import type { Health, HealthStatus } from './line.ts'

/** Checks in a row (product.md §7). */
export const failuresUntilDegraded = 1
export const failuresUntilUnhealthy = 3
export const successesUntilHealthy = 2

/** A line that was never checked is trusted: its first check corrects that. */
export function freshHealth(canCheckAvailability: boolean): Health {
  return { status: 'healthy', lastCheckedAt: null, reasons: [], consecutiveFailures: 0, consecutiveSuccesses: 0, canCheckAvailability }
}

function statusAfter(status: HealthStatus, failures: number, successes: number): HealthStatus {
  if (failures >= failuresUntilUnhealthy) return 'unhealthy'
  if (failures >= failuresUntilDegraded) return status === 'unhealthy' ? 'unhealthy' : 'degraded'
  return successes >= successesUntilHealthy ? 'healthy' : status
}

function times(count: number): string {
  return count === 1 ? 'the last check failed' : `the last ${count} checks failed`
}

/**
 * The health after one more check, and whether the status changed. One failure degrades, three in a row make it unhealthy, two good checks in a row
 * make it healthy from wherever it was. What the bridge can do is believed only when it answered.
 */
export function healthAfter(health: Health, checkup: Checkup, now: Date): { health: Health; changed: boolean } {
  const consecutiveFailures = checkup.ok ? 0 : health.consecutiveFailures + 1
  const consecutiveSuccesses = checkup.ok ? health.consecutiveSuccesses + 1 : 0
  const status = statusAfter(health.status, consecutiveFailures, consecutiveSuccesses)
  const good = `${consecutiveSuccesses} of ${successesUntilHealthy} good checks that make it healthy again`
  const failed = `${times(consecutiveFailures)}: ${checkup.why ?? 'no reason was given'}`
  const reasons = status === 'healthy' ? [] : [checkup.ok ? good : failed]
  const canCheckAvailability = checkup.ok ? checkup.canCheckAvailability : health.canCheckAvailability
  return {
    health: { status, lastCheckedAt: now, reasons, consecutiveFailures, consecutiveSuccesses, canCheckAvailability },
    changed: status !== health.status,
  }
}
