import type { InboundMessages } from '../conversation/inbound.ts'
import { AppError, invalid } from '../errors.ts'
import type { Line } from '../line/line.ts'
import type { ServiceReport } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Inbound } from '../transport/transport.ts'
import type { Commits } from './commit.ts'
import type { Fact } from './fact.ts'
import type { Status } from './lifecycle.ts'
import type { Message } from './message.ts'
import { type ReceiptNews, receiptFact } from './outcome.ts'

export interface ReceiptParts {
  stores: Stores
  runtime: Runtime
  commits: Commits
  inbound: InboundMessages
  /** What a late error says about the line. */
  outcome(line: Line, why: string | null): Promise<void>
}

type Receipt = Extract<Inbound, { type: 'receipt' }>

/** What channels say after the hand-over: in any order, twice, and before our own call returned. */
export interface Receipts {
  take(line: Line, event: Inbound): Promise<void>
  /** Applies what was parked for the vendor id that this message has now. */
  join(message: Message): Promise<void>
  report(report: ServiceReport): Promise<{ applied: boolean; status: Status }>
}

export function createReceipts({ stores, runtime, commits, inbound, outcome }: ReceiptParts): Receipts {
  async function find(line: Line, receipt: Receipt): Promise<Message | null> {
    const byAttempt = receipt.attemptId === null ? null : await stores.messages.byAttempt(line.workspaceId, receipt.attemptId)
    if (byAttempt !== null) return byAttempt
    return receipt.externalId === null ? null : stores.messages.byExternalId(line.workspaceId, line.id, receipt.externalId)
  }

  async function settle(message: Message, receipt: ReceiptNews): Promise<{ message: Message; changed: boolean } | null> {
    const result = await commits.change(message.workspaceId, message.id, (current) => receiptFact(current, receipt, runtime.now()).fact)
    // The first word about a message may come by its attempt and bring the vendor id: others may be waiting under that.
    if (result?.changed && message.externalMessageId === null && result.message.externalMessageId !== null) await join(result.message)
    return result
  }

  async function join(message: Message): Promise<void> {
    const lineId = message.attempt?.lineId
    if (lineId === undefined || message.externalMessageId === null) return
    for (const parked of await stores.messages.unpark(message.workspaceId, lineId, message.externalMessageId)) {
      const news = unparked(parked.receipt)
      if (news !== null) await settle(message, news)
    }
  }

  return {
    join,
    async take(line, event) {
      if (event.type === 'ignored') return
      if (event.type === 'reply') {
        await inbound.take({ workspaceId: line.workspaceId, line, channel: line.channel, messageId: null }, event)
        return
      }
      let message = await find(line, event)
      if (message === null && event.externalId !== null) {
        const { status, externalId, at, detail } = event
        await stores.messages.park(line.workspaceId, {
          lineId: line.id,
          externalId,
          receipt: JSON.stringify({ status, externalId, at, detail }),
          at: runtime.now(),
        })
        // The id may have been written between the look and the parking; whoever comes second joins them.
        message = await find(line, event)
        if (message !== null) await join(message)
        return
      }
      if (message === null) return
      const result = await settle(message, event)
      if (result?.changed && event.status === 'failed') await outcome(line, event.detail)
    },
    async report(report) {
      const at = report.timestamp ? new Date(report.timestamp) : runtime.now()
      if (Number.isNaN(at.getTime())) throw invalid('timestamp', 'is no date')
      const who = report.messageId ? { id: report.messageId } : report.externalMessageId ? { externalId: report.externalMessageId } : null
      if (who === null) throw invalid('messageId', 'give messageId or externalMessageId')
      const where = await stores.messages.locate(who)
      const message = where === null ? null : await stores.messages.get(where.workspaceId, where.id)
      if (message === null) throw new AppError('MESSAGE_NOT_FOUND', 'there is no such message')
      if (report.event === 'message.reply') return reply(report, message, at)
      const result = await commits.change(message.workspaceId, message.id, (current) => reported(report, current, at, runtime.now()))
      return { applied: result?.changed ?? false, status: result?.message.status ?? message.status }
    },
  }

  async function reply(report: ServiceReport, message: Message, at: Date): Promise<{ applied: boolean; status: Status }> {
    if (!report.reply) throw invalid('reply', 'is needed for message.reply')
    const lineId = message.fromLineId
    const line = lineId === null ? null : await stores.lines.get(message.workspaceId, lineId)
    const when = report.reply.at ? new Date(report.reply.at) : at
    if (Number.isNaN(when.getTime())) throw invalid('reply.at', 'is no date')
    const kept = await inbound.take(
      { workspaceId: message.workspaceId, line, channel: message.messageType, messageId: message.id },
      {
        type: 'reply',
        externalId: report.reply.id ?? null,
        from: report.reply.from,
        to: report.reply.to ?? null,
        text: report.reply.text,
        at: when,
        attachments: [],
      },
    )
    return { applied: kept.isNew, status: message.status }
  }
}

/** What an outside worker's report means here. */
function reported(report: ServiceReport, message: Message, at: Date, now: Date): Fact | null {
  const externalId = report.externalMessageId ?? null
  const detail = report.error ?? report.reason ?? 'reported by an outside worker'
  switch (report.event) {
    case 'message.sent':
      return receiptFact(message, { status: 'sent', externalId, at, detail: 'reported by an outside worker' }, now).fact
    case 'message.delivered':
      return receiptFact(message, { status: 'delivered', externalId, at, detail: 'reported by an outside worker' }, now).fact
    case 'message.opened':
      return receiptFact(message, { status: 'read', externalId, at, detail: 'reported by an outside worker' }, now).fact
    case 'message.failed':
      return receiptFact(message, { status: 'failed', externalId, at, detail }, now).fact
    case 'message.fallback': {
      const checked = report.checkedAddresses?.map((entry) => ({ ...entry, checkedAt: at, source: 'report' })) ?? null
      return { type: 'unreachable', reason: report.reason ?? 'the recipient is not on iMessage', checked, why: detail }
    }
    case 'message.reply':
      return null
  }
}

function unparked(text: string): ReceiptNews | null {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || !('status' in value) || !('externalId' in value) || !('at' in value) || !('detail' in value))
    return null
  const status = (['sent', 'delivered', 'read', 'failed', 'not_on_channel'] as const).find((known) => known === value.status)
  return status === undefined ? null : { status, externalId: String(value.externalId), at: new Date(String(value.at)), detail: String(value.detail) }
}
