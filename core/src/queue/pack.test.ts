import { expect, test } from 'vitest'
import { delayedJobId, pack, retryJob, unpack } from './pack.ts'
import type { Hint } from './queue.ts'

const now = new Date('2026-03-01T12:00:00Z')
const later = new Date('2026-03-01T12:00:05Z')

function hint(id: string, more: Partial<Hint> = {}): Hint {
  return { kind: 'message', workspaceId: 'ws_1', id, ...more }
}

test('hints for now share jobs of fifty, in order', () => {
  const jobs = pack(
    Array.from({ length: 120 }, (_, i) => hint(`msg_${i}`)),
    now,
  ).get('message')
  expect(jobs?.map((job) => job.hints.length)).toEqual([50, 50, 20])
  expect(jobs?.[1]?.hints[0]).toEqual(['ws_1', 'msg_50'])
  expect(jobs?.every((job) => job.jobId === undefined && job.delayMs === 0 && !job.urgent)).toBe(true)
})

test('kinds never share a job', () => {
  const packed = pack([hint('a'), hint('a', { kind: 'delivery' }), hint('b')], now)
  expect(packed.get('message')?.map((job) => job.hints)).toEqual([
    [
      ['ws_1', 'a'],
      ['ws_1', 'b'],
    ],
  ])
  expect(packed.get('delivery')?.map((job) => job.hints)).toEqual([[['ws_1', 'a']]])
})

test('the same hint twice is once, and urgent if either was', () => {
  const jobs = pack([hint('a'), hint('b'), hint('a', { urgent: true }), hint('b')], now).get('message')
  expect(jobs).toEqual([
    { hints: [['ws_1', 'a']], delayMs: 0, urgent: true },
    { hints: [['ws_1', 'b']], delayMs: 0, urgent: false },
  ])
})

test('equal ids of two workspaces are two hints', () => {
  const jobs = pack([hint('a'), hint('a', { workspaceId: 'ws_2' }), hint('a', { at: later }), hint('a', { at: later, workspaceId: 'ws_2' })], now)
  expect(jobs.get('message')?.map((job) => job.hints.length)).toEqual([2, 1, 1])
})

test('a hint for later is a job of its own, and the same one twice is one job', () => {
  const jobs = pack([hint('a', { at: later }), hint('a', { at: later }), hint('b', { at: now })], now).get('message')
  expect(jobs).toEqual([
    { hints: [['ws_1', 'b']], delayMs: 0, urgent: false },
    { hints: [['ws_1', 'a']], jobId: `ws_1.a-${later.getTime()}`, delayMs: 5_000, urgent: false },
  ])
})

test('an id with a colon becomes one that BullMQ takes, and stays itself', () => {
  const ids = ['evt_1.webhook:whk_1', 'evt_1.webhook%3Awhk_1'].map((id) => delayedJobId('ws_1', id, later))
  expect(ids[0]).not.toContain(':')
  expect(ids[0]).not.toBe(ids[1])
})

test('a retry is the hint alone, with its count', () => {
  expect(retryJob(['ws_1', 'a', 2], 3, 4_000, now)).toEqual({
    hints: [['ws_1', 'a', 3]],
    jobId: `ws_1.a-${now.getTime() + 4_000}`,
    delayMs: 4_000,
    urgent: false,
  })
})

test('what was packed comes out, and what was not ours is refused', () => {
  expect(
    unpack(
      JSON.parse(
        JSON.stringify([
          ['ws_1', 'a'],
          ['ws_1', 'b', 2],
        ]),
      ),
    ),
  ).toEqual([
    ['ws_1', 'a', 0],
    ['ws_1', 'b', 2],
  ])
  for (const data of [null, 'x', {}, [1], [['ws_1']], [['ws_1', 5]], [['ws_1', 'a', 'x']]]) expect(unpack(data)).toBeNull()
})
