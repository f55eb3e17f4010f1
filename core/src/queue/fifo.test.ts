import { expect, test } from 'vitest'
import { createFifo } from './fifo.ts'

test('first in is first out, across its own tidying', () => {
  const fifo = createFifo<number>()
  const out: (number | undefined)[] = []
  let next = 0
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 3_000; i++) fifo.push(next++)
    for (let i = 0; i < 2_500; i++) out.push(fifo.shift())
  }
  expect(fifo.size()).toBe(1_500)
  while (fifo.size() > 0) out.push(fifo.shift())
  expect(out).toEqual(Array.from({ length: 9_000 }, (_, i) => i))
  expect(fifo.shift()).toBeUndefined()
})
