import type { Probe, Reach } from '../availability/probe.ts'
import { orderFor } from '../lead/addresses.ts'
import type { Lead } from '../lead/lead.ts'
import type { Capacity } from '../line/capacity.ts'
import type { Line } from '../line/line.ts'
import type { Consent, Leads } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { Attempts } from './attempt.ts'
import type { Commits } from './commit.ts'
import { eligibility } from './eligibility.ts'
import type { Fact } from './fact.ts'
import type { Hold, Message } from './message.ts'
import { type Candidate, route } from './routing.ts'
import { calendarOf } from './schedule.ts'

export interface AdvanceParts {
  stores: Stores
  runtime: Runtime
  commits: Commits
  attempts: Attempts
  capacity: Capacity
  probe: Probe
  leads: Pick<Leads, 'recordAvailability' | 'recordContact'>
  consent: Pick<Consent, 'allows'>
}

/** How long a hold without an end waits before it is looked at again; what frees it usually nudges sooner. */
const recheckMs = 30_000
const replyWindowMs = 24 * 3_600_000

/** Brings one message as far as it can go now. Called with a hint: early, late, twice or for a message long done, it does no harm. */
export type Advance = (workspaceId: string, id: string, signal: AbortSignal) => Promise<void>

export function createAdvance(parts: AdvanceParts): Advance {
  const { stores, runtime, commits, attempts, capacity } = parts
  const running = new Set<string>()
  const lanes = new Map<string, Promise<void>>()

  async function advance(workspaceId: string, id: string, signal: AbortSignal): Promise<void> {
    const message = await stores.messages.get(workspaceId, id)
    if (message === null || message.dueAt === null) return
    if (message.dueAt > runtime.now()) return commits.hint(message)
    if (message.reservation?.state === 'releasing') return commits.release(message)
    if (message.status === 'sending' || message.status === 'sent') {
      const lineId = message.attempt?.lineId ?? message.fromLineId
      const line = lineId === null ? null : await stores.lines.get(workspaceId, lineId)
      return message.status === 'sending' ? attempts.reconcile(message, line) : attempts.follow(message, line)
    }
    if (message.status === 'queued' || message.status === 'pending') return inTurn(message, signal)
    return commits.postpone(message, null)
  }

  /** Messages to one lead leave in the order they came, as far as this process sees them; the vendor's slowness is not waited for. */
  async function inTurn(message: Message, signal: AbortSignal): Promise<void> {
    const lane = message.leadId ?? message.id
    const before = lanes.get(lane)
    const { promise, resolve } = Promise.withResolvers<void>()
    lanes.set(lane, promise)
    try {
      await before
      const fresh = before === undefined ? message : await stores.messages.get(message.workspaceId, message.id)
      if (fresh === null || fresh.dueAt === null || (fresh.status !== 'queued' && fresh.status !== 'pending')) return
      if (fresh.dueAt > runtime.now()) return commits.hint(fresh)
      await move(fresh, signal, resolve)
    } finally {
      resolve()
      if (lanes.get(lane) === promise) lanes.delete(lane)
    }
  }

  async function move(message: Message, signal: AbortSignal, fenced: () => void): Promise<void> {
    const now = runtime.now()
    const [workspace, lead] = await Promise.all([
      stores.workspaces.get(message.workspaceId),
      message.leadId === null ? null : stores.leads.get(message.workspaceId, message.leadId),
    ])
    if (workspace === null) throw new Error(`message ${message.id} belongs to no workspace`)
    const clock = eligibility(message, workspace, lead, now)
    if (clock.go === 'later') return putOff(message, clock.hold)

    const chosen = await choose(message, now)
    if (chosen.go === 'later') return putOff(message, chosen.hold)
    const line = chosen.line
    const place = message.reservation?.lineId === line.id ? message.reservation : null
    // Its line failed after it had a place there: first the place is given back, then it goes on from the start.
    if (message.reservation !== null && place === null)
      return putOff(message, { reason: 'line_unhealthy', until: null, detail: 'its line failed; another one takes over' }, now)

    const reach = await findAddress(message, workspace, lead, line, signal)
    const checkedAddresses = reach.checked.length > 0 ? reach.checked : message.checkedAddresses
    if (reach.go === 'later') return putOff(message, reach.hold, undefined, { checkedAddresses, fromLineId: line.id })
    if (reach.go === 'none') return fallBack(message, lead, reach)
    if (lead !== null && message.messageType === 'imessage' && reach.go === 'use' && !sameAvailability(lead, reach.address)) {
      await parts.leads.recordAvailability(message.workspaceId, lead.id, { status: 'available', address: reach.address, checkedAddresses })
    }

    const verdict = await parts.consent.allows(message.workspaceId, { lead, address: reach.address, channel: message.messageType })
    if (!verdict.allowed) {
      await commits.commit(message, { type: 'cancelled', why: `opted_out: ${verdict.why}` })
      return
    }

    const slot = await slotFor(message, line, reach.address, place, now)
    if (slot.go === 'later')
      return putOff(message, { reason: slot.why, until: slot.until, detail: slot.detail }, undefined, { checkedAddresses, fromLineId: line.id })
    const patch = { address: reach.address, checkedAddresses, reservation: { lineId: line.id, day: slot.day, state: 'held' as const } }
    if (slot.at > runtime.now()) {
      const why = `line, place and slot reserved for ${slot.at.toISOString()}`
      const reserved = await commits.commit(message, { type: 'reserved', sendAt: slot.at, patch: { ...patch, fromLineId: line.id }, why })
      if (reserved === null) return abandon(message, line, slot.day)
      if (message.priority === 'high') await overtake(reserved, line)
      return
    }
    const handed = await attempts.hand(message, line, lead, { ...patch, fenced })
    if (handed === null) return abandon(message, line, slot.day)
    if (lead !== null && handed.sentAt !== null) await parts.leads.recordContact(message.workspaceId, lead.id, { contactedAt: handed.sentAt })
  }

  /** The version moved on under us. If the winner ended it, the place we took has to go back; if not, the winner uses the same one. */
  async function abandon(message: Message, line: Line, day: string): Promise<void> {
    if (message.reservation !== null) return
    const now = await stores.messages.get(message.workspaceId, message.id)
    if (now === null || (now.reservation === null && now.status !== 'queued' && now.status !== 'pending')) {
      await capacity.release(message.workspaceId, line.id, message.id, day)
    }
  }

  async function choose(message: Message, now: Date) {
    const lines = await stores.lines.list(message.workspaceId, message.messageType)
    const pinnedTo = message.linePinned ? message.fromLineId : null
    const single = lines.filter((line) => line.isActive).length <= 1 || pinnedTo !== null
    const talksTo = single
      ? null
      : (message.reservation?.lineId ??
        message.fromLineId ??
        (message.leadId === null ? null : await stores.messages.lineOfLead(message.workspaceId, message.leadId)))
    const candidates: Candidate[] = single
      ? lines.map((line) => ({ line, room: 0 }))
      : await Promise.all(
          lines.map(async (line) => {
            const used = (await capacity.ledger(line)).days[calendarOf(now, line.timezone).day]
            return { line, room: line.limits.dailyTotalMessagesLimit - (used?.total ?? 0) }
          }),
        )
    return route({ pinnedTo, talksTo, spread: runtime.random() }, candidates)
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
    if (place !== null) {
      if (message.status === 'pending') return { go: 'now' as const, at: now, day: place.day }
      return { go: 'now' as const, at: await capacity.rebook(line, now), day: place.day }
    }
    const [touched, repliedAt] = await Promise.all([
      stores.messages.touched(message.workspaceId, line.id, address),
      message.leadId === null || line.limits.dailyNewConversationsLimit > 1_000_000 ? null : stores.replies.latestFrom(message.workspaceId, address),
    ])
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
    dueAt?: Date,
    patch?: { checkedAddresses: Message['checkedAddresses']; fromLineId: string },
  ): Promise<void> {
    const at = dueAt ?? hold.until ?? new Date(runtime.now().getTime() + recheckMs)
    const fromLineId = message.linePinned ? message.fromLineId : (patch?.fromLineId ?? message.fromLineId)
    const fact: Fact =
      message.status === 'pending'
        ? { type: 'unreserved', hold, dueAt: at }
        : {
            type: 'held',
            hold,
            dueAt: at,
            patch: {
              ...(patch ?? {}),
              fromLineId,
              ...(releases(hold) && message.reservation !== null ? { reservation: { ...message.reservation, state: 'releasing' } } : {}),
            },
          }
    await commits.commit(message, fact)
  }

  return async (workspaceId, id, signal) => {
    // Two hints for one message at the same time in one process: the second would only lose the race.
    if (running.has(id)) return
    running.add(id)
    try {
      await advance(workspaceId, id, signal)
    } finally {
      running.delete(id)
    }
  }
}

/** A place is kept over a short wait; over one that may last past its day it goes back to those who can use it. */
function releases(hold: Hold): boolean {
  return hold.reason !== 'retry' && hold.reason !== 'gap' && hold.reason !== 'availability_error'
}

/** What the caller named first, then the lead's others, each once, of the kinds this channel can use. */
export function candidatesFor(message: Pick<Message, 'addresses' | 'messageType'>, lead: Lead | null): string[] {
  const usable = (address: string) => message.messageType === 'imessage' || (message.messageType === 'email') === address.includes('@')
  const named = message.addresses.filter(usable)
  return [...new Set([...named, ...(lead === null ? [] : orderFor(message.messageType, lead))])]
}

function sameAvailability(lead: Lead, address: string): boolean {
  return lead.availabilityStatus === 'available' && lead.availableAddress === address
}
