import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Handler, Hint, HintKind, Queue } from '../queue/queue.ts'
import { hintKinds } from '../queue/queue.ts'
import type { Runtime } from '../runtime.ts'

/** Where queues are examined: empty when it is opened. */
export interface QueueWorld {
  readonly runtime: Runtime
  /** A queue with its own connections, as another process would have it. */
  open(): Promise<Queue>
  /** Waits for `what`, moving the clock where it can be moved. */
  until<T>(what: Promise<T>): Promise<T>
  /** Stops what was opened. */
  close(): Promise<void>
}

export function hintFor(id: string, more: Partial<Hint> = {}): Hint {
  return { kind: 'message', workspaceId: 'ws_1', id, ...more }
}

/** Handlers for every kind: `message` as given, the others do nothing. */
export function handlersWith(message: Handler['run'], concurrency = 10): Record<HintKind, Handler> {
  const idle: Handler = { concurrency: 1, run: async () => {} }
  return { message: { concurrency, run: message }, delivery: idle, relay: idle, job: idle }
}

/** Resolves once every id was run; also counts. */
export function createTally(ids: readonly string[]) {
  const missing = new Set(ids)
  const runs = new Map<string, number>()
  const all = Promise.withResolvers<void>()
  return {
    runs,
    all: all.promise,
    note(id: string) {
      runs.set(id, (runs.get(id) ?? 0) + 1)
      missing.delete(id)
      if (missing.size === 0) all.resolve()
    },
  }
}

export const idsOf = (count: number, prefix = 'msg'): string[] => Array.from({ length: count }, (_, i) => `${prefix}_${i}`)

/** The examination of a queue: every promise of the port that a single process can ask for. */
export function queueSuite(name: string, openWorld: () => Promise<QueueWorld>): void {
  describe(`${name}: the promises of a queue`, () => {
    let world: QueueWorld
    let queue: Queue
    beforeEach(async () => {
      world = await openWorld()
      queue = await world.open()
    })
    afterEach(() => world.close())

    test('hints of every kind reach the handler of their kind, as they were', async () => {
      const seen: string[] = []
      const all = Promise.withResolvers<void>()
      const handler = (kind: HintKind): Handler => ({
        concurrency: 2,
        async run(hint) {
          seen.push(`${kind} got ${hint.kind} ${hint.workspaceId} ${hint.id}`)
          if (seen.length === hintKinds.length) all.resolve()
        },
      })
      await queue.work({ message: handler('message'), delivery: handler('delivery'), relay: handler('relay'), job: handler('job') })
      await queue.add(hintKinds.map((kind) => ({ kind, workspaceId: `ws_${kind}`, id: `evt_1.webhook:${kind}` })))
      await world.until(all.promise)
      expect(seen.sort()).toEqual(hintKinds.map((kind) => `${kind} got ${kind} ws_${kind} evt_1.webhook:${kind}`).sort())
    })

    test('what was added before anybody worked is run', async () => {
      const tally = createTally(['msg_1'])
      await queue.add([hintFor('msg_1')])
      await queue.add([])
      await queue.work(handlersWith(async (hint) => tally.note(hint.id)))
      await world.until(tally.all)
      expect(tally.runs.get('msg_1')).toBe(1)
    })

    test('5,000 hints all run', async () => {
      const ids = idsOf(5_000)
      const tally = createTally(ids)
      await queue.work(handlersWith(async (hint) => tally.note(hint.id), 50))
      for (let i = 0; i < ids.length; i += 500) await queue.add(ids.slice(i, i + 500).map((id) => hintFor(id)))
      await world.until(tally.all)
      expect(tally.runs.size).toBe(5_000)
    })

    test('a hint for later runs then, not before', async () => {
      const ran = Promise.withResolvers<Date>()
      await queue.work(handlersWith(async () => ran.resolve(world.runtime.now())))
      const at = new Date(world.runtime.now().getTime() + 700)
      await queue.add([hintFor('msg_1', { at })])
      const ranAt = await world.until(ran.promise)
      expect(ranAt.getTime()).toBeGreaterThanOrEqual(at.getTime())
      expect(ranAt.getTime()).toBeLessThan(at.getTime() + 3_000)
    })

    test('the same hint for the same time is one', async () => {
      const at = new Date(world.runtime.now().getTime() + 800)
      await queue.add([hintFor('msg_1', { at })])
      await queue.add([hintFor('msg_1', { at }), hintFor('msg_2', { at: new Date(at.getTime() + 400) })])
      const tally = createTally(['msg_1', 'msg_2'])
      await queue.work(handlersWith(async (hint) => tally.note(hint.id)))
      await world.until(tally.all)
      expect(tally.runs.get('msg_1')).toBe(1)
    })

    test('a hint whose time is past runs at once', async () => {
      const ran = Promise.withResolvers<void>()
      await queue.work(handlersWith(async () => ran.resolve()))
      await queue.add([hintFor('msg_1', { at: new Date(world.runtime.now().getTime() - 60_000) })])
      await world.until(ran.promise)
      expect((await queue.depth()).delayed).toBe(0)
    })

    test('an urgent hint jumps the queue', async () => {
      const order: string[] = []
      const [started, gate, all] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      await queue.work(
        handlersWith(async ({ id }) => {
          order.push(id)
          started.resolve()
          if (id === 'first') await gate.promise
          if (order.length === 62) all.resolve()
        }, 1),
      )
      await queue.add([hintFor('first')])
      await world.until(started.promise)
      await queue.add(idsOf(60).map((id) => hintFor(id)))
      await queue.add([hintFor('urgent', { urgent: true })])
      gate.resolve()
      await world.until(all.promise)
      expect(order.slice(0, 2)).toEqual(['first', 'urgent'])
    })

    test('a rejected hint runs again, after a while, and those beside it do not', async () => {
      const times: number[] = []
      const tally = createTally(['msg_bad', 'msg_good'])
      const again = Promise.withResolvers<void>()
      await queue.work(
        handlersWith(async ({ id }) => {
          tally.note(id)
          if (id !== 'msg_bad') return
          times.push(world.runtime.now().getTime())
          if (times.length === 1) throw new Error('the store is away')
          again.resolve()
        }),
      )
      await queue.add([hintFor('msg_good'), hintFor('msg_bad')])
      await world.until(again.promise)
      const [first = 0, second = 0] = times
      expect(second - first).toBeGreaterThanOrEqual(450)
      expect(tally.runs.get('msg_good')).toBe(1)
    })

    test('as many at once as the handler allows, never more', async () => {
      const tally = createTally(idsOf(120))
      const full = Promise.withResolvers<void>()
      let [running, peak] = [0, 0]
      await queue.work(
        handlersWith(async (hint) => {
          peak = Math.max(peak, ++running)
          if (running === 3) full.resolve()
          await full.promise
          await new Promise((resolve) => setImmediate(resolve))
          running--
          tally.note(hint.id)
        }, 3),
      )
      await queue.add(idsOf(120).map((id) => hintFor(id)))
      await world.until(tally.all)
      expect(peak).toBe(3)
    })

    test('a kind that is stuck holds up no other', async () => {
      const gate = Promise.withResolvers<void>()
      const delivered = createTally(idsOf(20))
      const handlers = handlersWith(() => gate.promise, 2)
      await queue.work({ ...handlers, delivery: { concurrency: 2, run: async (hint) => delivered.note(hint.id) } })
      await queue.add(idsOf(20).flatMap((id) => [hintFor(id), hintFor(id, { kind: 'delivery' })]))
      await world.until(delivered.all)
      expect(delivered.runs.size).toBe(20)
      gate.resolve()
    })

    test('depth tells what waits now and what for later', async () => {
      const at = new Date(world.runtime.now().getTime() + 60_000)
      await queue.add([...idsOf(120).map((id) => hintFor(id)), hintFor('a', { at }), hintFor('b', { at }), hintFor('c', { kind: 'job', at })])
      expect(await queue.depth()).toEqual({ waiting: 120, delayed: 3 })
    })

    test('stop lets what runs finish and starts nothing more', async () => {
      const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const log: string[] = []
      await queue.work(
        handlersWith(async ({ id }, signal) => {
          log.push(`${id} starts`)
          started.resolve()
          await gate.promise
          log.push(`${id} ends ${signal.aborted ? 'broken off' : 'in peace'}`)
        }, 1),
      )
      await queue.add([hintFor('msg_1'), hintFor('msg_2')])
      await world.until(started.promise)
      const stopped = queue.stop(10_000)
      await queue.add([hintFor('msg_3')])
      gate.resolve()
      await world.until(stopped)
      expect(log).toEqual([expect.stringMatching(/^msg_\d starts$/), expect.stringMatching(/^msg_\d ends in peace$/)])
    })

    test('what still runs at the deadline has its signal aborted, and stop does not wait for ever', async () => {
      const [started, aborted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      await queue.work(
        handlersWith((_, signal) => {
          signal.addEventListener('abort', () => aborted.resolve())
          started.resolve()
          return new Promise(() => {})
        }),
      )
      await queue.add([hintFor('msg_1')])
      await world.until(started.promise)
      const before = world.runtime.now().getTime()
      await world.until(queue.stop(300))
      await aborted.promise
      const took = world.runtime.now().getTime() - before
      expect(took).toBeGreaterThanOrEqual(300)
      expect(took).toBeLessThan(5_000)
    })

    test('a stopped queue refuses hints', async () => {
      await queue.work(handlersWith(async () => {}))
      await world.until(queue.stop(1_000))
      await expect(queue.add([hintFor('msg_1')])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    })

    test('it works once', async () => {
      await queue.work(handlersWith(async () => {}))
      await expect(queue.work(handlersWith(async () => {}))).rejects.toThrow('already')
    })
  })
}
