import { describe, expect, test } from 'vitest'
import type { Line } from '../line/line.ts'
import { lineFixture } from '../testing/line-fixture.ts'
import { route } from './routing.ts'

const health = (status: Line['health']['status']) => ({ ...lineFixture({}).health, status, reasons: status === 'healthy' ? [] : ['no pong'] })
const a = lineFixture({ id: 'line_a', name: 'A' })
const b = lineFixture({ id: 'line_b', name: 'B' })
const free = { pinnedTo: null, talksTo: null, spread: 0 }

describe('the line a message leaves by', () => {
  test('a pinned line is never exchanged: it waits for it', () => {
    const sick = lineFixture({ id: 'line_a', health: health('unhealthy') })
    expect(
      route({ ...free, pinnedTo: 'line_a' }, [
        { line: a, room: 0 },
        { line: b, room: 9 },
      ]),
    ).toMatchObject({ go: 'now', line: { id: 'line_a' } })
    expect(
      route({ ...free, pinnedTo: 'line_a' }, [
        { line: sick, room: 9 },
        { line: b, room: 9 },
      ]),
    ).toMatchObject({ go: 'later', hold: { reason: 'line_unhealthy', until: null } })
    expect(route({ ...free, pinnedTo: 'line_a' }, [{ line: { ...a, isActive: false }, room: 9 }])).toMatchObject({
      go: 'later',
      hold: { reason: 'no_line' },
    })
    expect(route({ ...free, pinnedTo: 'line_gone' }, [{ line: a, room: 9 }])).toMatchObject({ go: 'later', hold: { reason: 'no_line' } })
  })

  test('the line that talks to the lead comes before the one with more room', () => {
    expect(
      route({ ...free, talksTo: 'line_a' }, [
        { line: a, room: 1 },
        { line: b, room: 9 },
      ]),
    ).toMatchObject({ line: { id: 'line_a' } })
  })

  test('else the healthy line with the most room; a degraded one only when nothing better is there', () => {
    expect(
      route(free, [
        { line: a, room: 1 },
        { line: b, room: 9 },
      ]),
    ).toMatchObject({ line: { id: 'line_b' } })
    const slow = { ...b, health: health('degraded') }
    expect(
      route(free, [
        { line: a, room: 1 },
        { line: slow, room: 9 },
      ]),
    ).toMatchObject({ line: { id: 'line_a' } })
    expect(route(free, [{ line: slow, room: 9 }])).toMatchObject({ line: { id: 'line_b' } })
  })

  test('equals are spread by the dice', () => {
    const equal = [
      { line: a, room: 5 },
      { line: b, room: 5 },
    ]
    expect([route({ ...free, spread: 0 }, equal), route({ ...free, spread: 0.99 }, equal)]).toMatchObject([
      { line: { id: 'line_a' } },
      { line: { id: 'line_b' } },
    ])
  })

  test('nothing active and nothing healthy are told apart', () => {
    expect(route(free, [])).toMatchObject({ go: 'later', hold: { reason: 'no_line' } })
    expect(route(free, [{ line: { ...a, health: health('unhealthy') }, room: 5 }])).toMatchObject({ go: 'later', hold: { reason: 'line_unhealthy' } })
  })
})
