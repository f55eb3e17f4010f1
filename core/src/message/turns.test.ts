import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

test('what has one key runs one after the other, in the order it came; other keys do not wait', async () => {
  const turns = createTurns()
  const order: string[] = []
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const first = turns('a', async () => {
    order.push('a1 begins')
    await gate
    order.push('a1 ends')
  })
  const second = turns('a', async () => void order.push('a2'))
  await turns('b', async () => void order.push('b'))
  open()
  await Promise.all([first, second])
  expect(order).toEqual(['a1 begins', 'b', 'a1 ends', 'a2'])
})

test('a turn that fails tells its caller and lets the next one begin', async () => {
  const turns = createTurns()
  const failing = turns('a', () => Promise.reject(new Error('no')))
  const next = turns('a', async () => 'done')
  await expect(failing).rejects.toThrow('no')
  expect(await next).toBe('done')
})
