import { describe, expect, it } from 'vitest'
import { type Admission, createLanes, type Ticket } from './lane.ts'
import { createTestRuntime } from './test-rig.ts'

const setUp = (options: { perLaneMax?: number } = {}) => {
  const world = createTestRuntime()
  return { ...world, lanes: createLanes({ runtime: world.runtime, ...options }) }
}

function ticket(admission: Admission): Ticket {
  if (!('go' in admission)) throw new Error(`put off: ${admission.why}`)
  return admission.go
}

const failed = { type: 'failed', latencyMs: 20, pauseMs: null } as const
const fine = { type: 'worked', latencyMs: 20 } as const

async function openPlaces(lanes: ReturnType<typeof createLanes>): Promise<Ticket[]> {
  const tickets: Ticket[] = []
  while (tickets.length < lanes.places('a')) tickets.push(ticket(await lanes.admit('a')))
  return tickets
}

async function fail(lanes: ReturnType<typeof createLanes>, times: number) {
  for (let i = 0; i < times; i++) ticket(await lanes.admit('a')).finish(failed)
}

describe('a quick consumer', () => {
  it('has at most its number at once; the next waits and goes when one ends', async () => {
    const { lanes } = setUp({ perLaneMax: 2 })
    const first = ticket(await lanes.admit('a'))
    ticket(await lanes.admit('a'))
    let gone = false
    const third = lanes.admit('a').then((admission) => {
      gone = true
      return admission
    })
    await new Promise(setImmediate)
    expect(gone).toBe(false)
    first.finish(fine)
    expect(await third).toHaveProperty('go')
  })

  it('is forgotten when it is idle', async () => {
    const { lanes } = setUp()
    const one = ticket(await lanes.admit('a'))
    expect(lanes.size()).toBe(1)
    one.finish(fine)
    expect(lanes.size()).toBe(0)
  })

  it('finishing twice frees one place only', async () => {
    const { lanes } = setUp({ perLaneMax: 1 })
    const first = ticket(await lanes.admit('a'))
    first.finish(fine)
    ticket(await lanes.admit('a'))
    first.finish(fine)
    let gone = false
    void lanes.admit('a').then(() => (gone = true))
    await new Promise(setImmediate)
    expect(gone).toBe(false)
  })
})

describe('a slow consumer', () => {
  it('gives the worker slots back after half a second, those that only wait after a quarter', async () => {
    const { lanes, advance } = setUp({ perLaneMax: 1 })
    const running = ticket(await lanes.admit('a'))
    const waiting = lanes.admit('a')
    let isDetached = false
    void running.detached.then(() => (isDetached = true))
    await advance(250)
    expect(await waiting).toMatchObject({ why: 'the consumer is slow' })
    expect(isDetached).toBe(false)
    await advance(250)
    expect(isDetached).toBe(true)
    expect(await lanes.admit('a')).toHaveProperty('later')
  })

  it('does not touch another lane', async () => {
    const { lanes, advance } = setUp({ perLaneMax: 1 })
    ticket(await lanes.admit('a'))
    await advance(2_000)
    for (let i = 0; i < 5; i++) ticket(await lanes.admit('b')).finish(fine)
  })

  it('what is put off gets places of its own in time, in the future', async () => {
    const { lanes, advance, runtime } = setUp({ perLaneMax: 1 })
    ticket(await lanes.admit('a'))
    await advance(2_000)
    const times: number[] = []
    for (let i = 0; i < 50; i++) {
      const admission = await lanes.admit('a')
      if ('later' in admission) times.push(admission.later.getTime())
    }
    expect(new Set(times).size).toBe(50)
    expect(Math.min(...times)).toBeGreaterThan(runtime.now().getTime())
  })

  it('is quick again after a quick success', async () => {
    const { lanes, advance } = setUp({ perLaneMax: 1 })
    const slow = ticket(await lanes.admit('a'))
    await advance(2_000)
    slow.finish({ type: 'worked', latencyMs: 2_000 })
    ticket(await lanes.admit('a')).finish(fine)
    ticket(await lanes.admit('a'))
    let answered = false
    void lanes.admit('a').then(() => (answered = true))
    await new Promise(setImmediate)
    expect(answered).toBe(false)
  })
})

describe('a failing consumer', () => {
  it('is tried one at a time, at growing distances', async () => {
    const { lanes, advance } = setUp()
    await fail(lanes, 5)
    const trials: number[] = []
    for (let second = 0; second < 120; second++) {
      const admission = await lanes.admit('a')
      if ('go' in admission) {
        trials.push(second)
        expect(await lanes.admit('a')).toMatchObject({ why: 'the consumer is failing' })
        admission.go.finish(failed)
      }
      await advance(1_000)
    }
    expect(trials).toEqual([1, 3, 7, 15, 31, 61, 91])
  })

  it('after an outage begins slowly and doubles, instead of all at once', async () => {
    const { lanes, advance } = setUp()
    await fail(lanes, 5)
    await advance(1_000)
    const allowed: number[] = []
    for (let round = 0; round < 4; round++) {
      const tickets = await openPlaces(lanes)
      allowed.push(tickets.length)
      for (const one of tickets) one.finish(fine)
    }
    expect(allowed).toEqual([1, 2, 4, 8])
  })

  it('is not left alone longer because many attempts were under way when it began to fail', async () => {
    const { lanes, advance } = setUp()
    const tickets = await openPlaces(lanes)
    for (const one of tickets) one.finish(failed)
    expect(tickets).toHaveLength(32)
    await advance(1_000)
    expect(await lanes.admit('a')).toHaveProperty('go')
  })

  it('that is gone holds nothing back any more', async () => {
    const { lanes, advance } = setUp()
    await fail(lanes, 5)
    await advance(1_000)
    ticket(await lanes.admit('a')).finish({ type: 'gone' })
    expect(lanes.places('a')).toBe(32)
    expect(lanes.size()).toBe(0)
  })

  it('is left alone as long as it asks, up to five minutes', async () => {
    const { lanes, advance } = setUp()
    ticket(await lanes.admit('a')).finish({ type: 'failed', latencyMs: 5, pauseMs: 60_000 })
    await advance(59_000)
    expect(await lanes.admit('a')).toHaveProperty('later')
    await advance(1_000)
    ticket(await lanes.admit('a')).finish({ type: 'failed', latencyMs: 5, pauseMs: 86_400_000 })
    await advance(300_000)
    expect(await lanes.admit('a')).toHaveProperty('go')
  })

  it('a backlog is spread over minutes, not all behind one moment', async () => {
    const { lanes, runtime } = setUp()
    await fail(lanes, 5)
    const times: number[] = []
    for (let i = 0; i < 1_000; i++) {
      const admission = await lanes.admit('a')
      if ('later' in admission) times.push(admission.later.getTime() - runtime.now().getTime())
    }
    expect(times).toHaveLength(1_000)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(1_000)
    const perSecond = new Map<number, number>()
    for (const ms of times) perSecond.set(Math.floor(ms / 1000), (perSecond.get(Math.floor(ms / 1000)) ?? 0) + 1)
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(201)
  })
})
