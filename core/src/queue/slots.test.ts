import { expect, test } from 'vitest'
import { createSlots } from './slots.ts'

test('no more places than there are, and urgent takers first', async () => {
  const slots = createSlots(1)
  const order: string[] = []
  expect(await slots.take('in turn')).toBe(true)
  const takers = (['in turn', 'in turn', 'urgent'] as const).map((how, i) => slots.take(how).then(() => order.push(`${how} ${i}`)))
  expect(slots.waiting()).toBe(3)
  for (const taker of [takers[2], takers[0], takers[1]]) {
    slots.give()
    await taker
  }
  expect(order).toEqual(['urgent 2', 'in turn 0', 'in turn 1'])
})

test('a place that nobody waits for is kept for the next', async () => {
  const slots = createSlots(1)
  await slots.take('in turn')
  slots.give()
  expect(await slots.take('in turn')).toBe(true)
})

test('closing sends the waiting and the coming away without a place', async () => {
  const slots = createSlots(1)
  await slots.take('in turn')
  const waiting = slots.take('urgent')
  slots.close()
  expect(await waiting).toBe(false)
  expect(await slots.take('in turn')).toBe(false)
})
