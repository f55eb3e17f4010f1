import { createHash } from 'node:crypto'
import { announce, type Relay } from '../event/event.ts'
import { normaliseEmail, normalisePhone } from '../lead/addresses.ts'
import type { Lead } from '../lead/lead.ts'
import type { Line } from '../line/line.ts'
import type { Message } from '../message/message.ts'
import type { Consent, Leads } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Inbound } from '../transport/transport.ts'
import { keywordOf } from './keywords.ts'
import type { Reply } from './reply.ts'

export interface InboundParts {
  stores: Stores
  runtime: Runtime
  relay: Relay
  leads: Pick<Leads, 'recordContact'>
  consent: Pick<Consent, 'optOut' | 'optIn'>
}

type Said = Extract<Inbound, { type: 'reply' }>

export interface InboundMessages {
  /** Keeps a message somebody sent us, once, and does what follows from it: opt-out, event. Durable when it resolves. */
  take(
    where: { workspaceId: string; line: Line | null; channel: Reply['channel']; messageId: string | null },
    said: Said,
  ): Promise<{ reply: Reply; isNew: boolean }>
  /** Finishes what a crash left between keeping a reply and announcing it. */
  finish(workspaceId: string, id: string): Promise<void>
}

/** Two arrivals of one text count as one within this time of each other, when ids do not tell. */
const sameWithinMs = 1_000
const roundsMax = 5

export function createInbound({ stores, runtime, relay, leads, consent }: InboundParts): InboundMessages {
  async function take(where: Parameters<InboundMessages['take']>[0], said: Said): Promise<{ reply: Reply; isNew: boolean }> {
    const workspace = await stores.workspaces.get(where.workspaceId)
    if (workspace === null) throw new Error(`a message came in for a workspace that is not there: ${where.workspaceId}`)
    const from = normalised(said.from, workspace.defaultCountryCode)
    const named = where.messageId === null ? null : await stores.messages.get(where.workspaceId, where.messageId)
    const answered =
      named ??
      (where.line === null ? null : await stores.messages.latestTo(where.workspaceId, from, where.line.id)) ??
      (await stores.messages.latestTo(where.workspaceId, from))
    const leadId = answered?.leadId ?? (await stores.leads.byAddresses(where.workspaceId, [from])).get(from) ?? null
    const reply: Reply = {
      id: runtime.id('rpl'),
      workspaceId: where.workspaceId,
      version: 1,
      text: said.text,
      from,
      to: said.to ?? where.line?.phone ?? where.line?.email ?? null,
      channel: where.channel,
      lineId: where.line?.id ?? answered?.fromLineId ?? null,
      leadId,
      campaignId: answered?.campaignId ?? null,
      messageId: answered?.id ?? null,
      externalId: said.externalId,
      keyword: keywordOf(said.text, workspace.stopKeywords),
      attachments: said.attachments,
      at: said.at,
      announced: false,
      createdAt: runtime.now(),
    }
    const contentKey = createHash('sha256')
      .update(JSON.stringify([where.line?.id ?? null, from, said.text]))
      .digest('base64url')
    const kept = await stores.replies.insert(reply, { contentKey, withinMs: sameWithinMs })
    const mine = kept.inserted ? reply : kept.existing
    if (!mine.announced) await consequences(mine)
    return { reply: mine, isNew: kept.inserted }
  }

  /** Each step may run twice: an opt-out is one, and the event's id is made of the reply's. */
  async function consequences(reply: Reply): Promise<void> {
    const lead = reply.leadId === null ? null : await stores.leads.get(reply.workspaceId, reply.leadId)
    const caller = { workspaceId: reply.workspaceId, actor: 'system', correlationId: null }
    if (reply.keyword === 'stop') {
      await consent.optOut(caller, { lead, address: reply.from, channels: null, reason: `replied "${reply.text.slice(0, 100)}"`, source: 'keyword' })
    } else if (reply.keyword === 'start') {
      await consent.optIn(caller, { lead, address: reply.from, source: 'keyword' })
    }
    if (lead !== null) await leads.recordContact(reply.workspaceId, lead.id, { repliedAt: reply.at })
    await tell(reply, lead)
    await stores.replies.commit({ ...reply, announced: true })
  }

  async function tell(reply: Reply, lead: Lead | null): Promise<void> {
    const event = { id: reply.id.replace(/^rpl_/, 'evt_'), type: 'message.reply' as const, at: runtime.now(), data: { reply: replyData(reply) } }
    for (let round = 0; round < roundsMax; round++) {
      const message = reply.messageId === null ? null : await stores.messages.get(reply.workspaceId, reply.messageId)
      if (message !== null) {
        const doc: Message = announce(message, event)
        if (await stores.messages.commit(doc)) return relay('message', { ...doc, version: doc.version + 1 })
        continue
      }
      const person = lead === null ? null : await stores.leads.get(reply.workspaceId, lead.id)
      if (person !== null) {
        const doc = announce(person, event)
        if ((await stores.leads.commit(doc)).ok) return relay('lead', { ...doc, version: doc.version + 1 })
        continue
      }
      const line = reply.lineId === null ? null : await stores.lines.get(reply.workspaceId, reply.lineId)
      if (line === null) return
      const doc = announce(line, event)
      if (await stores.lines.commit(doc)) return relay('line', { ...doc, version: doc.version + 1 })
    }
    throw new Error(`the reply ${reply.id} could not be announced: its documents keep changing`)
  }

  return {
    take,
    async finish(workspaceId, id) {
      const reply = await stores.replies.get(workspaceId, id)
      if (reply !== null && !reply.announced) await consequences(reply)
    },
  }
}

function normalised(text: string, defaultCountryCode: string): string {
  const result = text.includes('@') ? normaliseEmail(text) : normalisePhone(text, defaultCountryCode)
  // A short code or an alphanumeric sender is no address we could write to, but it did write to us.
  return result.ok ? result.value : text.trim().toLowerCase().slice(0, 320)
}

/** The reply as consumers see it. */
export function replyData(reply: Reply): Record<string, unknown> {
  return {
    id: reply.id,
    text: reply.text,
    from: reply.from,
    to: reply.to,
    channel: reply.channel,
    lineId: reply.lineId,
    leadId: reply.leadId,
    messageId: reply.messageId,
    keyword: reply.keyword,
    attachments: reply.attachments,
    at: reply.at.toISOString(),
  }
}
