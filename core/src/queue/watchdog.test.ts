import { expect, test } from 'vitest'
import { createMovedClock, silentLog } from '../testing/moved-clock.ts'
import { watch } from './watchdog.ts'

function open(worker: { busy?: number; waiting?: () => Promise<boolean> }) {
  const clock = createMovedClock()
  const state = { reopened: 0, asked: 0, busy: worker.busy ?? 0, progressAt: clock.runtime.now() }
  const stop = watch({
    runtime: clock.runtime,
    log: silentLog,
    kind: 'message',
    worker: {
      busy: () => state.busy,
      progressAt: () => state.progressAt,
      waiting() {
        state.asked++
        return worker.waiting?.() ?? Promise.resolve(true)
      },
      reopen() {
        state.reopened++
        state.progressAt = clock.runtime.now()
      },
    },
  })
  return { clock, state, stop }
}

test('a worker that is silent while jobs wait is opened anew, once per silence', async () => {
  const { clock, state } = open({})
  await clock.advance(7_999)
  expect(state.reopened).toBe(0)
  await clock.advance(1)
  expect(state.reopened).toBe(1)
  await clock.advance(7_000)
  expect(state.reopened).toBe(1)
  await clock.advance(2_000)
  expect(state.reopened).toBe(2)
})

test('a worker with something in hand is left alone, and the server is not asked', async () => {
  const { clock, state } = open({ busy: 1 })
  await clock.advance(60_000)
  expect(state).toMatchObject({ reopened: 0, asked: 0 })
})

test('a worker that goes on is left alone', async () => {
  const { clock, state } = open({})
  for (let i = 0; i < 20; i++) {
    state.progressAt = clock.runtime.now()
    await clock.advance(3_000)
  }
  expect(state.reopened).toBe(0)
})

test('nothing waits, or nobody can say: left alone', async () => {
  for (const waiting of [() => Promise.resolve(false), () => Promise.reject(new Error('away'))]) {
    const { clock, state } = open({ waiting })
    await clock.advance(60_000)
    expect(state.reopened).toBe(0)
    expect(state.asked).toBeGreaterThan(10)
  }
})

test('jobs that waited at one look only are no sign', async () => {
  let looks = 0
  const { clock, state } = open({ waiting: () => Promise.resolve(looks++ % 2 === 0) })
  await clock.advance(60_000)
  expect(state.reopened).toBe(0)
})

test('once stopped it looks no more', async () => {
  const { clock, state, stop } = open({})
  await clock.advance(6_000)
  stop()
  await clock.advance(60_000)
  expect(state).toMatchObject({ reopened: 0, asked: 1 })
})
