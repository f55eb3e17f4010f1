import { describe, expect, test } from 'vitest'
import { createMovedClock, silentLog } from '../testing/moved-clock.ts'
import { createTally, handlersWith, hintFor, idsOf, queueSuite } from '../testing/queue-suite.ts'
import { createMemoryQueue } from './memory.ts'
import type { Queue } from './queue.ts'

queueSuite('in the process', async () => {
  const clock = createMovedClock()
  const queues: Queue[] = []
  return {
    runtime: clock.runtime,
    async open() {
      const queue = createMemoryQueue({ runtime: clock.runtime, log: silentLog })
      queues.push(queue)
      return queue
    },
    async until(what) {
      let settled = false
      const end = () => {
        settled = true
      }
      what.then(end, end)
      for (let i = 0; i < 1_000 && !settled; i++) await clock.advance(10)
      if (!settled) throw new Error('Ten seconds of moved time were not enough')
      return what
    },
    async close() {
      await Promise.all([...queues.map((queue) => queue.stop(0)), clock.advance(5_000)])
    },
  }
})

describe('in the process, beyond the port', () => {
  function open() {
    const clock = createMovedClock()
    return { clock, queue: createMemoryQueue({ runtime: clock.runtime, log: silentLog }) }
  }

  test('a hint that waits already is not queued twice; urgent moves it to the front', async () => {
    const { clock, queue } = open()
    const order: string[] = []
    await queue.add(['a', 'b', 'c', 'b'].map((id) => hintFor(id)))
    await queue.add([hintFor('c', { urgent: true }), hintFor('a', { workspaceId: 'ws_2' })])
    expect((await queue.depth()).waiting).toBe(4)
    await queue.work(handlersWith(async ({ workspaceId, id }) => void order.push(`${workspaceId} ${id}`), 1))
    await clock.advance(0)
    expect(order).toEqual(['ws_1 c', 'ws_1 a', 'ws_1 b', 'ws_2 a'])
  })

  test('a hint that comes while the same one runs, runs once more afterwards and never beside it', async () => {
    const { clock, queue } = open()
    const gates: (() => void)[] = []
    let [running, peak] = [0, 0]
    await queue.work(
      handlersWith(async () => {
        peak = Math.max(peak, ++running)
        await new Promise<void>((resolve) => gates.push(resolve))
        running--
      }),
    )
    await queue.add([hintFor('a')])
    await clock.advance(0)
    await queue.add([hintFor('a'), hintFor('a')])
    await queue.add([hintFor('a')])
    await clock.advance(0)
    expect(gates.length).toBe(1)
    gates[0]?.()
    await clock.advance(0)
    expect(gates.length).toBe(2)
    gates[1]?.()
    await clock.advance(60_000)
    expect({ runs: gates.length, peak }).toEqual({ runs: 2, peak: 1 })
  })

  test('a hint that is always rejected is left to the sweeper after eight runs', async () => {
    const { clock, queue } = open()
    let runs = 0
    await queue.work(
      handlersWith(() => {
        runs++
        throw new Error('the store is away')
      }),
    )
    await queue.add([hintFor('a')])
    await clock.advance(90_999)
    expect(runs).toBe(7)
    await clock.advance(1)
    expect(runs).toBe(8)
    await clock.advance(600_000)
    expect({ runs, depth: await queue.depth() }).toEqual({ runs: 8, depth: { waiting: 0, delayed: 0 } })
  })

  test('a hint for days ahead survives that no timer is that long', async () => {
    const { clock, queue } = open()
    const tally = createTally(['a'])
    await queue.work(handlersWith(async (hint) => tally.note(hint.id)))
    await queue.add([hintFor('a', { at: new Date(clock.runtime.now().getTime() + 3 * 86_400_000) })])
    await clock.advance(3 * 86_400_000 - 1)
    expect(tally.runs.size).toBe(0)
    await clock.advance(1)
    expect(tally.runs.get('a')).toBe(1)
  })

  test('handlers that never leave the microtasks let timers and sockets have their turn', async () => {
    const { queue } = open()
    let runs = 0
    let runsAtTurn = 0
    const tally = createTally(idsOf(10_000))
    await queue.work(
      handlersWith(async (hint) => {
        runs++
        tally.note(hint.id)
      }, 100),
    )
    setImmediate(() => setImmediate(() => (runsAtTurn = runs)))
    await queue.add(idsOf(10_000).map((id) => hintFor(id)))
    await tally.all
    expect(runsAtTurn).toBeGreaterThan(0)
    expect(runsAtTurn).toBeLessThan(2_000)
  })
})
