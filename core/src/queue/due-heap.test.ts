import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDueHeap } from './due-heap.ts'

test('whatever goes in comes out by time, and in the order it came at equal times', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), fc.integer({ min: 0, max: 20 }), (times, nowMs) => {
      const heap = createDueHeap<{ atMs: number; order: number }>()
      times.forEach((atMs, order) => {
        heap.push(atMs, { atMs, order })
      })
      const out: { atMs: number; order: number }[] = []
      for (let item = heap.popDue(nowMs); item !== undefined; item = heap.popDue(nowMs)) out.push(item)
      const due = times.map((atMs, order) => ({ atMs, order })).filter((item) => item.atMs <= nowMs)
      expect(out).toEqual(due.sort((a, b) => a.atMs - b.atMs || a.order - b.order))
      expect(heap.size()).toBe(times.length - due.length)
      expect(heap.soonestMs()).toBe(times.filter((atMs) => atMs > nowMs).sort((a, b) => a - b)[0])
    }),
  )
})
