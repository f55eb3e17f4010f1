import type { Message } from '../message/message.ts'
import { calendarOf } from '../message/schedule.ts'
import type { Runtime } from '../runtime.ts'
import { type Ledger, type PlaceDecision, release, reserve, reserveCheck, settle, takeNew } from './ledger.ts'
import { deviceKey, type Line } from './line.ts'
import { book, type Pace, take, takeCheck } from './pacing.ts'
import type { LineStore } from './store.ts'

export type Slot =
  | { go: 'now'; at: Date; day: string }
  | { go: 'later'; why: 'daily_total_limit' | 'daily_new_limit' | 'hourly_new_limit' | 'gap'; until: Date; detail: string }
export type Turn = { go: 'now' } | { go: 'later'; until: Date }

/** Places, slots and turns of lines: what is decided purely and then taken atomically. */
export interface Capacity {
  /** A place in the line's limits and a time slot, not before `now`. Taken twice for one message, the place is one. */
  reserve(line: Line, message: Pick<Message, 'id'>, wish: { address: string; touched: boolean; answersReply: boolean; now: Date }): Promise<Slot>
  /** A new slot for a message that has its place already. */
  rebook(line: Line, earliest: Date): Promise<Date>
  release(workspaceId: string, lineId: string, messageId: string, day: string): Promise<void>
  /** The message was handed over. May be written a little later, together with others. */
  settle(workspaceId: string, lineId: string, messageId: string): void
  /** At the very moment of sending: the device's and the line's gaps have really passed. */
  take(line: Line, messageId: string, now: Date): Promise<Turn>
  /** One availability check of the line's day and its device's gap. */
  takeCheck(line: Line, now: Date): Promise<Turn | { go: 'never'; until: Date }>
  ledger(line: Line): Promise<Ledger>
  /** Writes what `settle` kept back. */
  flush(): Promise<void>
}

/** Turns come this much late rather than early: two vendor calls must never be nearer than the gap, whatever the scheduler does. */
const marginMs = 200
const settleDelayMs = 500

type Change = (ledger: Ledger) => Ledger

export function createCapacity({ lines, runtime }: { lines: LineStore; runtime: Runtime }): Capacity {
  // One writer per line and process: requests that come while a write runs go into the next one together.
  const waiting = new Map<string, { change: Change; done: () => void; failed: (error: unknown) => void }[]>()
  const kept = new Map<string, { workspaceId: string; ids: string[] }>()
  let isFlushPlanned = false

  function change(workspaceId: string, lineId: string, apply: Change): Promise<void> {
    return new Promise((done, failed) => {
      const queue = waiting.get(lineId)
      if (queue) {
        queue.push({ change: apply, done, failed })
        return
      }
      waiting.set(lineId, [{ change: apply, done, failed }])
      void drain(workspaceId, lineId)
    })
  }

  async function drain(workspaceId: string, lineId: string): Promise<void> {
    await Promise.resolve()
    for (;;) {
      const batch = waiting.get(lineId) ?? []
      if (batch.length === 0) {
        waiting.delete(lineId)
        return
      }
      waiting.set(lineId, [])
      try {
        await write(
          workspaceId,
          lineId,
          batch.map((entry) => entry.change),
        )
        for (const entry of batch) entry.done()
      } catch (error) {
        for (const entry of batch) entry.failed(error)
      }
    }
  }

  async function write(workspaceId: string, lineId: string, changes: readonly Change[]): Promise<void> {
    for (let round = 0; ; round++) {
      const loaded = await lines.ledger(workspaceId, lineId)
      let ledger = loaded
      const settled = kept.get(lineId)
      kept.delete(lineId)
      if (settled) ledger = settle(ledger, settled.ids)
      for (const apply of changes) ledger = apply(ledger)
      try {
        if (ledger === loaded || (await lines.commitLedger(ledger))) return
      } catch (error) {
        if (settled) keep(workspaceId, lineId, settled.ids)
        throw error
      }
      if (settled) keep(workspaceId, lineId, settled.ids)
      // Another process wrote: the more of them there are, the longer each steps back.
      await pause(runtime, Math.min(50, 1 + round) * runtime.random())
    }
  }

  async function changePace<T>(workspaceId: string, key: string, decide: (pace: Pace) => { pace: Pace | null; value: T }): Promise<T> {
    for (let round = 0; ; round++) {
      const { pace, value } = decide(await lines.pace(workspaceId, key))
      if (pace === null || (await lines.commitPace(pace))) return value
      await pause(runtime, Math.min(50, 1 + round) * runtime.random())
    }
  }

  function keep(workspaceId: string, lineId: string, ids: readonly string[]): void {
    const entry = kept.get(lineId) ?? { workspaceId, ids: [] }
    entry.ids.push(...ids)
    kept.set(lineId, entry)
    if (isFlushPlanned) return
    isFlushPlanned = true
    runtime.after(settleDelayMs, () => {
      isFlushPlanned = false
      flush().catch((error: unknown) => runtime.log.warn({ error }, 'settled places could not be written; they are written with the next ones'))
    })
  }

  async function flush(): Promise<void> {
    await Promise.all([...kept].map(([lineId, { workspaceId }]) => change(workspaceId, lineId, (ledger) => ledger)))
  }

  const gapMs = (line: Line) => (line.limits.deviceGapSeconds > 0 ? line.limits.deviceGapSeconds * 1000 + marginMs : 0)
  const contactGapMs = (line: Line) => (line.limits.contactGapSeconds > 0 ? line.limits.contactGapSeconds * 1000 + marginMs : 0)
  const checkGapMs = (line: Line) => (line.limits.availabilityGapSeconds > 0 ? line.limits.availabilityGapSeconds * 1000 + marginMs : 0)

  return {
    async reserve(line, message, wish) {
      const limits = {
        dailyTotal: line.limits.dailyTotalMessagesLimit,
        dailyNew: line.limits.dailyNewConversationsLimit,
        hourlyNew: line.limits.hourlyNewConversationsLimit,
        contactGapMs: contactGapMs(line),
      }
      const gap = gapMs(line)
      let earliest = wish.now
      for (;;) {
        if (gap > 0) {
          const pace = await lines.pace(line.workspaceId, deviceKey(line))
          if (pace.nextSendAt !== null && pace.nextSendAt > earliest) earliest = pace.nextSendAt
        }
        const at = earliest
        const today = calendarOf(wish.now, line.timezone)
        const calendar = calendarOf(at, line.timezone)
        if (calendar.day !== today.day) {
          return { go: 'later', why: 'gap', until: today.nextDayAt, detail: `the device is booked until ${at.toISOString()}` }
        }
        const box: { decision: PlaceDecision | null } = { decision: null }
        await change(line.workspaceId, line.id, (ledger) => {
          const decision = reserve(
            ledger,
            { messageId: message.id, address: wish.address, touched: wish.touched, answersReply: wish.answersReply, at, ...calendar },
            limits,
          )
          box.decision = decision
          return decision.go === 'now' ? decision.ledger : ledger
        })
        const decision = box.decision
        if (decision === null) throw new Error('a reservation was decided by nobody')
        if (decision.go === 'later') {
          if (decision.why !== 'gap') return decision
          earliest = decision.until
          continue
        }
        if (gap === 0) return { go: 'now', at, day: decision.place.day }
        const slot = await changePace(line.workspaceId, deviceKey(line), (pace) => {
          const booked = book(pace, at, gap)
          return { pace: booked.pace, value: booked.at }
        })
        if (calendarOf(slot, line.timezone).day === decision.place.day) return { go: 'now', at: slot, day: decision.place.day }
        await this.release(line.workspaceId, line.id, message.id, decision.place.day)
        earliest = slot
      }
    },
    async rebook(line, earliest) {
      const gap = gapMs(line)
      if (gap === 0) return earliest
      return changePace(line.workspaceId, deviceKey(line), (pace) => {
        const booked = book(pace, earliest, gap)
        return { pace: booked.pace, value: booked.at }
      })
    },
    release: (workspaceId, lineId, messageId, day) => change(workspaceId, lineId, (ledger) => release(ledger, messageId, day)),
    settle: (workspaceId, lineId, messageId) => keep(workspaceId, lineId, [messageId]),
    async take(line, messageId, now) {
      const contactGap = contactGapMs(line)
      const gap = gapMs(line)
      if (contactGap > 0 && gap > 0) {
        // Looked at before anything is taken, so that a first touch does not use up its gap while the device is still busy.
        const peek = take(await lines.pace(line.workspaceId, deviceKey(line)), now, gap)
        if (peek.go === 'later') return peek
      }
      if (contactGap > 0) {
        const box: { turn: Turn } = { turn: { go: 'now' } }
        await change(line.workspaceId, line.id, (ledger) => {
          box.turn = { go: 'now' }
          if (!ledger.held[messageId]?.isNew) return ledger
          const turn = takeNew(ledger, now, contactGap)
          box.turn = turn
          return turn.go === 'now' ? turn.ledger : ledger
        })
        if (box.turn.go === 'later') return box.turn
      }
      if (gap === 0) return { go: 'now' }
      return changePace<Turn>(line.workspaceId, deviceKey(line), (pace) => {
        const turn = take(pace, now, gap)
        return turn.go === 'now' ? { pace: turn.pace, value: { go: 'now' } } : { pace: null, value: turn }
      })
    },
    async takeCheck(line, now) {
      const calendar = calendarOf(now, line.timezone)
      const gap = checkGapMs(line)
      if (gap > 0) {
        const turn = await changePace<Turn>(line.workspaceId, deviceKey(line), (pace) => {
          const taken = takeCheck(pace, now, gap)
          return taken.go === 'now' ? { pace: taken.pace, value: { go: 'now' } } : { pace: null, value: taken }
        })
        if (turn.go === 'later') return turn
      }
      const box = { full: false }
      await change(line.workspaceId, line.id, (ledger) => {
        const taken = reserveCheck(ledger, calendar.day, line.limits.dailyAvailabilityChecksLimit)
        box.full = taken === null
        return taken ?? ledger
      })
      return box.full ? { go: 'never', until: calendar.nextDayAt } : { go: 'now' }
    },
    ledger: (line) => lines.ledger(line.workspaceId, line.id),
    flush,
  }
}

function pause(runtime: Runtime, delayMs: number): Promise<void> {
  return new Promise((resolve) => void runtime.after(delayMs, resolve))
}
