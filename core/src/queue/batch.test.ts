import { expect, test } from 'vitest'
import { createMovedClock } from '../testing/moved-clock.ts'
import { hintFor } from '../testing/queue-suite.ts'
import { createBatcher } from './batch.ts'

function open() {
  const clock = createMovedClock()
  const writes: { ids: string[]; end: PromiseWithResolvers<void> }[] = []
  const batcher = createBatcher({
    runtime: clock.runtime,
    deadlineMs: 2_000,
    write(hints) {
      const end = Promise.withResolvers<void>()
      writes.push({ ids: hints.map((hint) => hint.id), end })
      return end.promise
    },
  })
  return { clock, writes, add: (id: string) => batcher.add([hintFor(id)]) }
}

test('hints of one turn are one write, and share its end', async () => {
  const { clock, writes, add } = open()
  const added = [add('a'), add('b'), add('c')]
  await clock.advance(0)
  expect(writes.map((write) => write.ids)).toEqual([['a', 'b', 'c']])
  writes[0]?.end.reject(new Error('no'))
  expect((await Promise.allSettled(added)).map((end) => end.status)).toEqual(['rejected', 'rejected', 'rejected'])
})

test('what comes while two writes are under way waits for one of them, together', async () => {
  const { clock, writes, add } = open()
  const added = []
  for (const id of ['a', 'b', 'c', 'd']) {
    added.push(add(id))
    await clock.advance(0)
  }
  expect(writes.map((write) => write.ids)).toEqual([['a'], ['b']])
  writes[1]?.end.resolve()
  await clock.advance(0)
  expect(writes.map((write) => write.ids)).toEqual([['a'], ['b'], ['c', 'd']])
  for (const { end } of writes) end.resolve()
  await Promise.all(added)
})

test('a write that hangs is given up at the deadline, and the next one is tried', async () => {
  const { clock, writes, add } = open()
  const hung = add('a').catch((error) => error.code)
  await clock.advance(1_999)
  await clock.advance(1)
  expect(await hung).toBe('UNAVAILABLE')
  const next = add('b')
  await clock.advance(0)
  writes[1]?.end.resolve()
  await next
  expect(writes.map((write) => write.ids)).toEqual([['a'], ['b']])
})
