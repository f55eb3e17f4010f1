import { expect, test } from 'vitest'
import { retryDelayMs } from './backoff.ts'

test('it doubles from a second and stays under half a minute', () => {
  expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => retryDelayMs(attempt, 0))).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

test('the dice shorten it by up to half, never more', () => {
  expect(retryDelayMs(1, 0.5)).toBe(750)
  expect(retryDelayMs(3, 0.999_999)).toBe(2_000)
})

test('it gives up after eight attempts', () => {
  expect(retryDelayMs(8, 0)).toBeNull()
  expect(retryDelayMs(900, 0)).toBeNull()
})
