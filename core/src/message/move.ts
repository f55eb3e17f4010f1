import { askAgainAt, lookAgainAt } from '../availability/order.ts'
import type { Probe, Reach } from '../availability/probe.ts'
import type { Lead } from '../lead/lead.ts'
import type { Capacity } from '../line/capacity.ts'
import type { Line } from '../line/line.ts'
import type { Consent, FoundAvailability, Leads } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { Attempts } from './attempt.ts'
import type { Commits } from './commit.ts'
import { eligibility } from './eligibility.ts'
import type { Patch } from './fact.ts'
import type { Hold, HoldReason, Message } from './message.ts'
import { candidatesFor } from './recipients.ts'
import { type Route, route } from './routing.ts'
import { calendarOf } from './schedule.ts'

export interface MoveParts {
  stores: Stores
  runtime: Runtime
  commits: Commits
  attempts: Pick<Attempts, 'hand'>
  capacity: Capacity
  probe: Probe
  leads: Pick<Leads, 'recordAvailability' | 'recordContact'>
  consent: Pick<Consent, 'allows'>
}

/** `fenced` is called when the next message to the same lead may start. */
export type Move = (message: Message, signal: AbortSignal, fenced: () => void) => Promise<void>

/** A hold without an end is looked at again after half as long as it has lasted, within these: what frees it usually nudges sooner. */
const recheckMinMs = 30_000
const recheckMaxMs = 180_000
const replyWindowMs = 24 * 3_600_000
/** A place is kept over these short waits; over one that may outlast its day it goes back to those who can use it. */
const keepsPlace: readonly HoldReason[] = ['retry', 'gap', 'availability_error']

/**
 * One step of a message that waits: may it leave now, to whom, by which line, in which slot? Then it is handed over, booked for later,
 * ended, or put off with the reason and the time.
 */
export function createMove(parts: MoveParts): Move {
  const { stores, runtime, commits, attempts, capacity } = parts

  async function move(message: Message, signal: AbortSignal, fenced: () => void): Promise<void> {
    let now = runtime.now()
    const full = new Set<string>()
    const [workspace, lead] = await Promise.all([
      stores.workspaces.get(message.workspaceId),
      message.leadId === null ? null : stores.leads.get(message.workspaceId, message.leadId),
    ])
    if (workspace === null) throw new Error(`message ${message.id} belongs to no workspace`)
    // Accepted while its lead was being erased: without it nothing would say any more whether this person may be written to.
    if (message.leadId !== null && lead === null) {
      await commits.commit(message, { type: 'cancelled', why: 'the lead was deleted' })
      return
    }
    let clock = eligibility(message, workspace, lead, now)
    if (clock.go === 'later') return putOff(message, clock.hold)

    let chosen = await choose(message, now, full)
    if (chosen.go === 'later') return putOff(message, chosen.hold)
    const place = message.reservation?.lineId === chosen.line.id ? message.reservation : null
    // Its line failed after it had a place there: first the place is given back, then it goes on from the start.
    if (message.reservation !== null && place === null) {
      return putOff(message, { reason: 'line_unhealthy', until: null, detail: 'its line failed; another one takes over' }, { dueAt: now })
    }

    const reach = await findAddress(message, workspace, lead, chosen.line, signal)
    const checkedAddresses = reach.checked.length > 0 ? reach.checked : message.checkedAddresses
    if (reach.go === 'later') return putOff(message, backedOff(message, reach.hold, runtime), { checkedAddresses, fromLineId: chosen.line.id })
    if (reach.go === 'none') return fallBack(message, lead, reach)
    const found: FoundAvailability | undefined =
      lead !== null && message.messageType === 'imessage' && reach.go === 'use' && !sameAvailability(lead, reach.address)
        ? { status: 'available', address: reach.address, checkedAddresses }
        : undefined

    // A bridge may have thought for minutes: the hours, the day and the slot are those of the moment in which it leaves.
    now = runtime.now()
    clock = eligibility(message, workspace, lead, now)
    if (clock.go === 'later') return putOff(message, clock.hold, { checkedAddresses, fromLineId: chosen.line.id })

    const verdict = await parts.consent.allows(message.workspaceId, { lead, address: reach.address, channel: message.messageType })
    if (!verdict.allowed) {
      await commits.commit(message, { type: 'cancelled', why: `opted_out: ${verdict.why}` })
      return
    }

    let line = chosen.line
    let slot = await slotFor(message, line, reach.address, place, now)
    let refused = slot
    while (slot.go === 'later' && !chosen.bound) {
      full.add(line.id)
      chosen = await choose(message, now, full)
      if (chosen.go === 'later') break
      line = chosen.line
      slot = await slotFor(message, line, reach.address, null, now)
      if (slot.go === 'later' && refused.go === 'later' && slot.until < refused.until) refused = slot
    }
    const isNow = slot.go === 'now' && slot.at <= runtime.now()
    if (found && lead !== null && !isNow) await parts.leads.recordAvailability(message.workspaceId, lead.id, found)
    if (slot.go === 'later') {
      const { why, until, detail } = refused.go === 'later' ? refused : slot
      return putOff(message, { reason: why, until, detail }, { checkedAddresses, fromLineId: line.id })
    }
    const patch = { address: reach.address, checkedAddresses, reservation: { lineId: line.id, day: slot.day, state: 'held' as const } }
    if (!isNow) {
      const why = `line, place and slot reserved for ${slot.at.toISOString()}`
      const reserved = await commits.commit(message, { type: 'reserved', sendAt: slot.at, patch: { ...patch, fromLineId: line.id }, why })
      if (reserved === null) return abandon(message, line, slot.day)
      if (message.priority === 'high') await overtake(reserved, line)
      return
    }
    const handed = await attempts.hand(message, line, lead, { ...patch, fenced })
    if (handed === null) return abandon(message, line, slot.day)
    if (lead === null) return
    if (handed.sentAt !== null) await parts.leads.recordContact(message.workspaceId, lead.id, { contactedAt: handed.sentAt, found })
    else if (found) await parts.leads.recordAvailability(message.workspaceId, lead.id, found)
  }

  /** The version moved on under us. If the winner ended it, the place we took has to go back; if not, the winner uses the same one. */
  async function abandon(message: Message, line: Line, day: string): Promise<void> {
    if (message.reservation !== null) return
    const now = await stores.messages.get(message.workspaceId, message.id)
    // Erased in the middle of it: it may have gone out, so its place counts as used.
    if (now === null) return
    if (now.reservation === null && now.status !== 'queued' && now.status !== 'pending') {
      await capacity.release(message.workspaceId, line.id, message.id, day)
    }
  }

  /** `bound`: no other line may take it over, whatever this one says. `full` are lines that refused it already. */
  async function choose(message: Message, now: Date, full: ReadonlySet<string>): Promise<Route & { bound: boolean }> {
    const lines = await stores.lines.list(message.workspaceId, message.messageType)
    const pinnedTo = message.linePinned ? message.fromLineId : null
    const left = lines.filter((line) => !full.has(line.id))
    if (pinnedTo !== null || lines.filter((line) => line.isActive).length <= 1) {
      return {
        ...route(
          { pinnedTo, talksTo: null, spread: 0 },
          left.map((line) => ({ line, room: 0 })),
        ),
        bound: true,
      }
    }
    const talksTo =
      message.reservation?.lineId ?? (message.leadId === null ? null : await stores.messages.lineOfLead(message.workspaceId, message.leadId))
    const candidates = await Promise.all(
      left.map(async (line) => {
        const used = (await capacity.ledger(line)).days[calendarOf(now, line.timezone).day]
        return { line, room: line.limits.dailyTotalMessagesLimit - (used?.total ?? 0) }
      }),
    )
    const chosen = route({ pinnedTo, talksTo, spread: runtime.random() }, candidates)
    return { ...chosen, bound: chosen.go === 'now' && chosen.line.id === talksTo }
  }

  async function findAddress(message: Message, workspace: Workspace, lead: Lead | null, line: Line, signal: AbortSignal): Promise<Reach> {
    // A slot was booked on a fresh answer a moment ago, and a retry goes to where it was going.
    if (message.address !== null && message.reservation !== null)
      return { go: 'use', address: message.address, checked: [...message.checkedAddresses] }
    const wanted = candidatesFor(message, lead)
    const verdicts = await Promise.all(
      wanted.map((address) => parts.consent.allows(message.workspaceId, { lead, address, channel: message.messageType })),
    )
    const addresses = wanted.filter((_, index) => verdicts[index]?.allowed)
    // All refused: the first one goes on to the verdict below, which says why.
    if (addresses.length === 0 && wanted[0] !== undefined) return { go: 'blind', address: wanted[0], checked: [] }
    const first = addresses[0]
    if (first === undefined) return { go: 'none', checked: [] }
    if (message.messageType !== 'imessage') return { go: 'blind', address: first, checked: [] }
    return parts.probe.reach(workspace, addresses, line.id, signal)
  }

  async function fallBack(message: Message, lead: Lead | null, reach: Reach): Promise<void> {
    const reason = reach.checked.length > 0 ? 'none of the addresses is on iMessage' : `the lead has no address for ${message.messageType}`
    if (message.messageType !== 'imessage') {
      await commits.commit(message, { type: 'refused', failure: { code: 'no_recipient', detail: reason, permanent: true }, why: reason })
      return
    }
    const ended = await commits.commit(message, { type: 'unreachable', reason, checked: reach.checked, why: reason })
    if (ended !== null && lead !== null && reach.checked.length > 0) {
      await parts.leads.recordAvailability(message.workspaceId, lead.id, { status: 'unavailable', address: null, checkedAddresses: reach.checked })
    }
  }

  async function slotFor(message: Message, line: Line, address: string, place: Message['reservation'], now: Date) {
    // A place counts on the day it was taken for; on another day it is another place.
    if (place !== null && place.day !== calendarOf(now, line.timezone).day) {
      await capacity.release(message.workspaceId, line.id, message.id, place.day)
    } else if (place !== null) {
      return { go: 'now' as const, at: message.status === 'pending' ? now : await capacity.rebook(line, now), day: place.day }
    }
    const touched = await stores.messages.touched(message.workspaceId, line.id, address)
    const repliedAt = touched ? null : await stores.replies.latestFrom(message.workspaceId, address)
    const answersReply = repliedAt !== null && now.getTime() - repliedAt.getTime() < replyWindowMs
    return capacity.reserve(line, message, { address, touched, answersReply, now })
  }

  /** A message of high priority changes slots with the first one of normal priority that waits on its line. */
  async function overtake(message: Message, line: Line): Promise<void> {
    const slot = message.sendAt
    if (slot === null) return
    for (const other of await stores.messages.pendingOfLine(message.workspaceId, line.id, runtime.now(), 5)) {
      if (other.sendAt === null || other.sendAt >= slot) return
      const moved = await commits.commit(other, { type: 'reserved', sendAt: slot, patch: {}, why: 'a message of high priority took its slot' })
      if (moved === null) continue
      await commits.commit(message, { type: 'reserved', sendAt: other.sendAt, patch: {}, why: 'took the slot of a message of normal priority' })
      return
    }
  }

  async function putOff(
    message: Message,
    hold: Hold,
    {
      dueAt = hold.until ?? recheckAt(message, hold, runtime.now()),
      ...found
    }: { dueAt?: Date } & Partial<Pick<Message, 'checkedAddresses' | 'fromLineId'>> = {},
  ): Promise<void> {
    const patch: Patch = { ...found, fromLineId: message.linePinned ? message.fromLineId : (found.fromLineId ?? message.fromLineId) }
    if (message.status === 'pending') {
      await commits.commit(message, { type: 'unreserved', hold, dueAt, patch })
      return
    }
    const reservation = message.reservation !== null && releases(hold) ? { ...message.reservation, state: 'releasing' as const } : message.reservation
    await commits.commit(message, { type: 'held', hold, dueAt, patch: { ...patch, reservation } })
  }

  return move
}

function releases(hold: Hold): boolean {
  return !keepsPlace.includes(hold.reason)
}

function sameAvailability(lead: Lead, address: string): boolean {
  return lead.availabilityStatus === 'available' && lead.availableAddress === address
}

/** The history keeps a reason that is repeated once, with the time at which it began. */
function backedOff(message: Message, hold: Hold, runtime: Pick<Runtime, 'now' | 'random'>): Hold {
  const since = heldSince(message, hold)
  const now = runtime.now()
  if (hold.reason === 'availability_error') return { ...hold, until: askAgainAt(since, now) }
  if (hold.reason === 'gap' && hold.until !== null) return { ...hold, until: lookAgainAt(hold.until, since, now, runtime.random()) }
  return hold
}

function recheckAt(message: Message, hold: Hold, now: Date): Date {
  const heldForMs = now.getTime() - (heldSince(message, hold) ?? now).getTime()
  return new Date(now.getTime() + Math.min(recheckMaxMs, Math.max(recheckMinMs, heldForMs / 2)))
}

/** Null: this hold begins now. */
function heldSince(message: Message, hold: Hold): Date | null {
  const last = message.history.at(-1)
  return message.status === 'queued' && last?.why.startsWith(`${hold.reason}:`) ? last.at : null
}
