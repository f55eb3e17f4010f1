import { expect, test } from 'vitest'
import { type Arrival, exactness, sayExactness } from './exact.ts'

const event = 'message.delivered'
const came = (subject: string, id: string, over: Partial<Arrival> = {}): Arrival => ({ id, event, subject, times: 1, atMs: 0, ...over })

test('one event for each is exact', () => {
  expect(exactness(['a', 'b'], [came('a', '1'), came('b', '2')], event)).toEqual({
    accepted: 2,
    missing: 0,
    doubled: 0,
    repeated: 0,
    unasked: 0,
    exact: true,
  })
})

test('an event of another kind is no proof', () => {
  const result = exactness(['a'], [came('a', '1', { event: 'message.sent' })], event)
  expect(result).toMatchObject({ missing: 1, exact: false })
  expect(sayExactness(result)).toBe('NOT EXACT: 1 accepted, 1 missing, 0 doubled')
})

test('two event ids for one are a double', () => {
  expect(exactness(['a'], [came('a', '1'), came('a', '2')], event)).toMatchObject({ doubled: 1, exact: false })
})

test('the same event id posted twice is told, and exact', () => {
  const result = exactness(['a'], [came('a', '1', { times: 3 })], event)
  expect(result).toMatchObject({ repeated: 2, exact: true })
  expect(sayExactness(result)).toBe('exact: 1 of 1, 2 repeated under one id')
})

test('what came without a 201 is told, and no fault: the answer was cut', () => {
  expect(exactness(['a'], [came('a', '1'), came('b', '2')], event)).toMatchObject({ unasked: 1, exact: true })
})

test('two 201 with one id are one message too few', () => {
  expect(exactness(['a', 'a'], [came('a', '1')], event)).toMatchObject({ exact: false })
})
