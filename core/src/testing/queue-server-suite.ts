import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Queue } from '../queue/queue.ts'
import { createTally, handlersWith, hintFor, idsOf, type QueueWorld } from './queue-suite.ts'

/** A queue on a server that others use too, and that can be taken away. */
export interface ServerQueueWorld extends QueueWorld {
  /** The server refuses connections and cuts those there are. */
  cut(): Promise<void>
  /** The server takes bytes and answers none. */
  hang(): void
  mend(): Promise<void>
  /** Somebody empties the server. */
  wipe(): Promise<void>
  /** Another process that takes hints and never finishes one. `took` resolves with the first it took. */
  elsewhere(): Promise<{ took: Promise<string>; kill(): Promise<void> }>
}

const fastMs = 3_000

/** What a queue on a server promises besides: being shared, being away, being emptied. */
export function queueServerSuite(name: string, openWorld: () => Promise<ServerQueueWorld>): void {
  describe(`${name}: the promises of a queue on a server`, () => {
    let world: ServerQueueWorld
    let queue: Queue
    beforeEach(async () => {
      world = await openWorld()
      queue = await world.open()
    })
    afterEach(() => world.close())

    async function timeToReject(): Promise<number> {
      const before = world.runtime.now().getTime()
      await expect(queue.add([hintFor('msg_lost')])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      return world.runtime.now().getTime() - before
    }

    test('two workers share the hints, and every hint runs', async () => {
      const other = await world.open()
      const ids = idsOf(400)
      const tally = createTally(ids)
      const both = Promise.withResolvers<void>()
      const here = new Set<string>()
      const worker = (who: string) =>
        handlersWith(async ({ id }) => {
          here.add(who)
          if (here.size === 2) both.resolve()
          await both.promise
          tally.note(id)
        }, 4)
      await Promise.all([queue.work(worker('one')), other.work(worker('other'))])
      await queue.add(ids.map((id) => hintFor(id)))
      await world.until(tally.all)
      expect(tally.runs.size).toBe(400)
    })

    test('what a stopping worker had not begun is run by another', async () => {
      const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const ran: string[] = []
      await queue.work(
        handlersWith(async ({ id }) => {
          ran.push(id)
          started.resolve()
          await gate.promise
        }, 1),
      )
      await queue.add(idsOf(10).map((id) => hintFor(id)))
      await started.promise
      const stopping = queue.stop(10_000)
      gate.resolve()
      await stopping
      expect(ran.length).toBe(1)
      const rest = createTally(idsOf(10).filter((id) => !ran.includes(id)))
      await (await world.open()).work(handlersWith(async ({ id }) => rest.note(id)))
      await rest.all
      expect(rest.runs.get(ran[0] ?? '')).toBeUndefined()
    })

    test('adding rejects fast while the server is away, and works by itself when it is back', async () => {
      const tally = createTally(['msg_before', 'msg_after'])
      await queue.work(handlersWith(async ({ id }) => tally.note(id)))
      await queue.add([hintFor('msg_before')])
      await world.cut()
      expect(await timeToReject()).toBeLessThan(fastMs)
      expect(await timeToReject()).toBeLessThan(fastMs)
      await world.mend()
      await expect.poll(() => queue.add([hintFor('msg_after')]).then(() => 'taken', String), { timeout: 10_000 }).toBe('taken')
      await tally.all
    }, 30_000)

    test('adding rejects fast while the server hangs, and works by itself when it is back', async () => {
      const tally = createTally(['msg_after'])
      await queue.work(handlersWith(async ({ id }) => tally.note(id)))
      world.hang()
      expect(await timeToReject()).toBeLessThan(fastMs)
      await world.mend()
      await expect.poll(() => queue.add([hintFor('msg_after')]).then(() => 'taken', String), { timeout: 10_000 }).toBe('taken')
      await tally.all
    }, 30_000)

    test('a worker that starts while the server is away works once it is back', async () => {
      const tally = createTally(['msg_1'])
      await world.cut()
      await queue.work(handlersWith(async ({ id }) => tally.note(id)))
      expect(await timeToReject()).toBeLessThan(fastMs)
      await world.mend()
      await expect.poll(() => queue.add([hintFor('msg_1')]).then(() => 'taken', String), { timeout: 10_000 }).toBe('taken')
      await tally.all
    }, 30_000)

    test('an emptied server loses the hints, not the queue', async () => {
      const gate = Promise.withResolvers<void>()
      const tally = createTally(idsOf(100, 'new'))
      const started = Promise.withResolvers<void>()
      await queue.work(
        handlersWith(async ({ id }) => {
          started.resolve()
          if (id === 'held') await gate.promise
          tally.note(id)
        }, 2),
      )
      await queue.add([hintFor('held')])
      await started.promise
      await queue.add([hintFor('later', { at: new Date(world.runtime.now().getTime() + 60_000) })])
      await world.wipe()
      expect((await queue.depth()).delayed).toBe(0)
      await queue.add(idsOf(100, 'new').map((id) => hintFor(id)))
      gate.resolve()
      await tally.all
      expect(tally.runs.get('new_0')).toBe(1)
    })

    test('the hints of a killed worker are taken again within 15 s', async () => {
      const other = await world.elsewhere()
      await queue.add([hintFor('msg_1')])
      expect(await other.took).toBe('msg_1')
      const tally = createTally(['msg_1'])
      await queue.work(handlersWith(async ({ id }) => tally.note(id)))
      await other.kill()
      const killedAt = world.runtime.now().getTime()
      await tally.all
      expect(world.runtime.now().getTime() - killedAt).toBeLessThan(15_000)
    }, 30_000)

    test('stop ends soon though the server is away', async () => {
      const started = Promise.withResolvers<void>()
      await queue.work(
        handlersWith(() => {
          started.resolve()
          return new Promise(() => {})
        }),
      )
      await queue.add([hintFor('msg_1')])
      await started.promise
      await world.cut()
      const before = world.runtime.now().getTime()
      await queue.stop(500)
      expect(world.runtime.now().getTime() - before).toBeLessThan(4_000)
    })
  })
}

/** Ends a process and waits until it is gone. */
export async function killAndWait(child: import('node:child_process').ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
