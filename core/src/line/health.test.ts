import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freshHealth, healthAfter } from './health.ts'
import type { Health } from './line.ts'

const now = new Date('2026-11-22T12:00:00Z')
const good = { ok: true, why: null, canCheckAvailability: true }
const bad = { ok: false, why: 'connection refused', canCheckAvailability: false }

function run(checks: readonly boolean[], from: Health = freshHealth(false)): { health: Health; statuses: string[]; changes: number } {
  let health = from
  let changes = 0
  const statuses = checks.map((ok) => {
    const after = healthAfter(health, ok ? good : bad, now)
    health = after.health
    changes += after.changed ? 1 : 0
    return health.status
  })
  return { health, statuses, changes }
}

describe('the health of a line', () => {
  it('falls at the first and the third failure in a row', () => {
    expect(run([true, false, false, false, false]).statuses).toEqual(['healthy', 'degraded', 'degraded', 'unhealthy', 'unhealthy'])
  })

  it('comes back after two good checks in a row, and not after one', () => {
    expect(run([false, false, false, true, false, true, true]).statuses.slice(3)).toEqual(['unhealthy', 'unhealthy', 'unhealthy', 'healthy'])
    expect(run([false, true, true]).statuses).toEqual(['degraded', 'degraded', 'healthy'])
  })

  it('says the numbers behind it', () => {
    expect(run([false]).health.reasons).toEqual(['the last check failed: connection refused'])
    expect(run([false, false]).health.reasons).toEqual(['the last 2 checks failed: connection refused'])
    expect(run([false, true]).health.reasons).toEqual(['1 of 2 good checks that make it healthy again'])
    expect(run([false, true, true]).health.reasons).toEqual([])
  })

  it('believes what the bridge can do only when it answered', () => {
    expect(run([true, false]).health.canCheckAvailability).toBe(true)
    expect(healthAfter(freshHealth(true), { ...good, canCheckAvailability: false }, now).health.canCheckAvailability).toBe(false)
  })

  it('holds its invariants over any series of checks', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), (checks) => {
        const { health, statuses, changes } = run(checks)
        const failures = checks.length - 1 - checks.lastIndexOf(true)
        const successes = checks.length - 1 - checks.lastIndexOf(false)
        expect(health.lastCheckedAt).toBe(now)
        expect(health.consecutiveFailures).toBe(failures)
        expect(health.consecutiveSuccesses).toBe(successes)
        if (failures >= 3) expect(health.status).toBe('unhealthy')
        if (failures > 0) expect(health.status).not.toBe('healthy')
        if (successes >= 2) expect(health.status).toBe('healthy')
        expect(health.reasons.length).toBe(health.status === 'healthy' ? 0 : 1)
        expect(changes).toBe(statuses.filter((status, at) => status !== (statuses[at - 1] ?? 'healthy')).length)
      }),
    )
  })
})
