import type { Lead } from '../lead/lead.ts'
import type { Capacity } from '../line/capacity.ts'
import type { Line } from '../line/line.ts'
import type { Metrics } from '../metrics.ts'
import type { ConsentVerdict } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Transports } from '../transport/registry.ts'
import type { LookupResult, SendResult } from '../transport/transport.ts'
import type { Commits } from './commit.ts'
import type { Channel, Message } from './message.ts'
import { nextLookup, outcomeFact, receiptFact } from './outcome.ts'
import { askedMin, firstLookupMs, followMs, lastLookupsMs } from './timing.ts'
import { createTurns } from './turns.ts'

export interface AttemptParts {
  runtime: Runtime
  commits: Commits
  capacity: Capacity
  transports: Transports
  metrics: Metrics
  allows(workspaceId: string, who: { lead: Lead | null; address: string; channel: Channel }): Promise<ConsentVerdict>
  /** Joins what the channel said before we knew its id (F15). */
  joinParked(message: Message): Promise<void>
  /** What a real send says about the line's health. */
  outcome(line: Line, why: string | null): Promise<void>
  unsubscribeUrl(message: Message): string | null
  callTimeoutMs: number
  unknownDeadlineMs: number
}

export interface Handover {
  address: string
  checkedAddresses: Message['checkedAddresses']
  reservation: Message['reservation']
  /** Called when the fence is written, right before the vendor is. */
  fenced(): void
}

/** Hands a message over: fence, last look at consent, vendor call, outcome. Nothing here runs twice for one attempt. */
export interface Attempts {
  /** `message` is `queued` or `pending` and holds a place on `line`. Null when somebody else was first. */
  hand(message: Message, line: Line, lead: Lead | null, handover: Handover): Promise<Message | null>
  /** Settles a message found in `sending`: asks, never sends. */
  reconcile(message: Message, line: Line | null): Promise<void>
  /** Looks after a message that was sent and of which nothing was heard since. */
  follow(message: Message, line: Line | null): Promise<void>
  /** Waits for calls in progress, until the deadline. */
  idle(): Promise<void>
}

export function createAttempts(parts: AttemptParts): Attempts {
  const { runtime, commits, capacity, transports } = parts
  const calling = new Map<string, Promise<unknown>>()
  const settling = createTurns()

  async function hand(message: Message, line: Line, lead: Lead | null, { fenced, ...patch }: Handover): Promise<Message | null> {
    const now = runtime.now()
    const turn = await capacity.take(line, message.id, now)
    if (turn.go === 'later') {
      const why = 'the slot before was used late'
      return commits.commit(message, { type: 'reserved', sendAt: turn.until, patch: { ...patch, fromLineId: line.id }, why })
    }
    const attempt = {
      id: runtime.id('att'),
      lineId: line.id,
      address: patch.address,
      number: (message.attempt?.number ?? 0) + 1,
      at: now,
      lookups: 0,
    }
    const dueAt = new Date(now.getTime() + Math.min(firstLookupMs, parts.unknownDeadlineMs))
    let doc = message
    if (message.status === 'queued' && message.unavailableCount === 0) {
      // One write for both steps: the reservation and the fence. The announcement of `pending` is in it.
      const steps = await commits.both(
        message,
        { type: 'reserved', sendAt: now, patch: { ...patch, fromLineId: line.id }, why: 'line, place and slot reserved' },
        {
          type: 'attempted',
          attempt,
          dueAt,
          why: 'handed to the channel',
        },
      )
      if (steps === null) return null
      doc = steps
    } else {
      const written = await commits.commit(message, {
        type: 'attempted',
        attempt,
        dueAt,
        patch: { ...patch, fromLineId: line.id },
        why: `handed to the channel, attempt ${attempt.number}`,
      })
      if (written === null) return null
      doc = written
    }
    fenced()
    const call = callOut(doc, line, lead)
    calling.set(doc.id, call)
    try {
      return await call
    } finally {
      calling.delete(doc.id)
    }
  }

  /** What fails here fails before the vendor is called: it is surely not sent, and is tried again. */
  async function prepare(message: Message, line: Line, lead: Lead | null, address: string) {
    try {
      return {
        type: 'ready' as const,
        verdict: await parts.allows(message.workspaceId, { lead, address, channel: message.messageType }),
        transport: transports.of(line),
      }
    } catch (error) {
      return { type: 'unavailable' as const, why: `it could not be handed over: ${error instanceof Error ? error.message : String(error)}` }
    }
  }

  async function callOut(message: Message, line: Line, lead: Lead | null): Promise<Message | null> {
    const attempt = message.attempt
    const address = message.address
    if (attempt === null || address === null) throw new Error('a message without an attempt was handed over')
    // The fence is written, so an opt-out written before now is seen here and one written later sees the message in flight.
    const ready = await prepare(message, line, lead, address)
    if (ready.type === 'unavailable') return record(message, ready)
    const { verdict, transport } = ready
    if (!verdict.allowed) {
      const withdrawn = await commits.change(message.workspaceId, message.id, (current) =>
        current.attempt?.id === attempt.id ? { type: 'withdrawn', why: `opted_out: ${verdict.why}` } : null,
      )
      return withdrawn?.message ?? null
    }
    const startedAt = runtime.now().getTime()
    const result = await transport.send(
      {
        messageId: message.id,
        attemptId: attempt.id,
        attemptNumber: attempt.number,
        address,
        text: message.message,
        subject: message.subject,
        attachmentUrls: message.attachmentUrls,
        unsubscribeUrl: message.messageType === 'email' ? parts.unsubscribeUrl(message) : null,
      },
      AbortSignal.timeout(parts.callTimeoutMs),
    )
    // First what became of the message, then what that says of the line: the answer is told once, and must not be lost over a note.
    const written = await record(message, result)
    tell(message, line, result, { written, latencyMs: runtime.now().getTime() - startedAt })
    if (result.type === 'unavailable' && result.fault === 'content') return written
    await parts.outcome(
      line,
      result.type === 'unavailable' || result.type === 'unknown'
        ? result.why
        : result.type === 'refused' && result.class === 'sender'
          ? result.detail
          : null,
    )
    return written
  }

  /** One line per hand-over. Of a refusal only its class and code: what a vendor writes about it may quote the text. */
  function tell(message: Message, line: Line, result: SendResult, { written, latencyMs }: { written: Message | null; latencyMs: number }): void {
    runtime.log.info(
      {
        workspaceId: message.workspaceId,
        messageId: message.id,
        leadId: message.leadId,
        campaignId: message.campaignId,
        correlationId: message.correlationId,
        lineId: line.id,
        transport: line.transport.type,
        channel: message.messageType,
        health: line.health.status,
        urgent: message.priority === 'high',
        attemptId: message.attempt?.id,
        attemptNumber: message.attempt?.number,
        outcome: result.type,
        reason: result.type === 'refused' ? result.class : null,
        code: result.type === 'refused' ? result.code : null,
        why: result.type === 'unavailable' || result.type === 'unknown' ? result.why : null,
        latencyMs,
        status: written?.status ?? null,
        hold: written?.hold?.reason ?? null,
        until: written?.hold?.until ?? null,
      },
      'message.attempted',
    )
  }

  async function record(message: Message, result: SendResult): Promise<Message | null> {
    const written = await commits.change(message.workspaceId, message.id, (current) => {
      // A receipt may have been faster than the answer; then only what it adds counts.
      if (current.attempt?.id !== message.attempt?.id) return null
      return outcomeFact(current, result, { now: runtime.now(), dice: runtime.random(), unknownDeadlineMs: parts.unknownDeadlineMs })
    })
    const doc = written?.message ?? null
    if (doc === null) return null
    if (result.type === 'accepted' && written?.changed) parts.metrics.latency('accepted_to_sent', runtime.now().getTime() - doc.createdAt.getTime())
    if (doc.externalMessageId !== null) await parts.joinParked(doc)
    return doc
  }

  async function ask(message: Message, line: Line) {
    const attempt = message.attempt
    if (attempt === null) throw new Error('a message without an attempt cannot be looked up')
    return transports.of(line).lookup(
      {
        messageId: message.id,
        attemptId: attempt.id,
        attemptNumber: attempt.number,
        address: attempt.address,
        text: message.message,
        externalId: message.externalMessageId,
        since: attempt.at,
        isTaken: (externalId) => commits.isTaken(message, externalId),
      },
      AbortSignal.timeout(parts.callTimeoutMs),
    )
  }

  /** A transport that cannot be opened any more answers nothing, and keeps no message from its deadline. */
  function asked(message: Message, line: Line): Promise<LookupResult> {
    return ask(message, line).catch((error: unknown) => ({ type: 'unavailable', why: error instanceof Error ? error.message : String(error) }))
  }

  /** False when what was found belongs to another message by now: equal texts to one person are asked for at the same time. */
  function joinFound(message: Message, lineId: string, found: Extract<LookupResult, { type: 'found' }>, now: Date): Promise<boolean> {
    return settling(lineId, async () => {
      if (await commits.isTaken(message, found.externalId)) return false
      const news = { status: found.status, externalId: found.externalId, at: found.at ?? now, detail: found.detail }
      const { fact } = receiptFact(message, news, now)
      const doc = fact === null ? null : await commits.commit(message, fact)
      if (doc !== null) await parts.joinParked(doc)
      return true
    })
  }

  return {
    hand,
    async reconcile(message, line) {
      const now = runtime.now()
      const attempt = message.attempt
      if (attempt === null) throw new Error(`message ${message.id} is sending without an attempt`)
      // Our own call is still out: its answer is the best look-up there is.
      if (calling.has(message.id) && now.getTime() - attempt.at.getTime() < parts.unknownDeadlineMs) {
        await commits.commit(message, {
          type: 'unknown',
          lookups: attempt.lookups,
          dueAt: nextLookup(message, 3, now, parts.unknownDeadlineMs),
          why: 'the channel has not answered yet',
        })
        return
      }
      const result = line === null ? { type: 'unavailable' as const, why: 'its line is gone' } : await asked(message, line)
      if (result.type === 'found' && (await joinFound(message, attempt.lineId, result, now))) return
      const after = runtime.now()
      const lookups = attempt.lookups + 1
      const isLate = after.getTime() - attempt.at.getTime() >= parts.unknownDeadlineMs
      if (isLate && lookups >= askedMin) {
        const detail = 'the channel never said whether it went out; it is not sent again, for it may have'
        await commits.commit(message, { type: 'given_up', failure: { code: 'outcome_unknown', detail, permanent: false }, why: detail })
        return
      }
      const why = result.type === 'unavailable' ? `the channel could not be asked: ${result.why}` : 'the channel does not know it (yet)'
      const dueAt = isLate ? new Date(after.getTime() + lastLookupsMs) : nextLookup(message, lookups, after, parts.unknownDeadlineMs)
      await commits.commit(message, { type: 'unknown', lookups, dueAt, why })
    },
    async follow(message, line) {
      const now = runtime.now()
      const result = line === null || message.attempt === null ? null : await asked(message, line)
      if (result?.type === 'found' && result.status !== 'sent') {
        const { fact } = receiptFact(
          message,
          { status: result.status, externalId: result.externalId, at: result.at ?? now, detail: result.detail },
          now,
        )
        if (fact !== null && (await commits.commit(message, fact)) !== null) return
      }
      const passed = now.getTime() - (message.sentAt?.getTime() ?? now.getTime())
      const wait =
        result === null || (result.type === 'unavailable' && message.externalMessageId === null)
          ? undefined
          : followMs.find((ms) => ms > passed + 1000)
      await commits.postpone(message, wait === undefined ? null : new Date((message.sentAt?.getTime() ?? now.getTime()) + wait))
    },
    async idle() {
      await Promise.allSettled(calling.values())
    },
  }
}
