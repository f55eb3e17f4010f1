import type { Lead } from '../lead/lead.ts'
import { type LeadView, leadView } from '../lead/view.ts'
import type { Line } from '../line/line.ts'
import type { Message } from '../message/message.ts'
import { type MessageView, messageView } from '../message/view.ts'
import type { Webhook } from '../webhook/webhook.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { EventType, OutboxEvent } from './event.ts'

/** What an event can happen to, by the name of its store. */
export type Subject =
  | { readonly kind: 'message'; readonly doc: Message }
  | { readonly kind: 'lead'; readonly doc: Lead }
  | { readonly kind: 'line'; readonly doc: Line }
  | { readonly kind: 'webhook'; readonly doc: Webhook }
  | { readonly kind: 'workspace'; readonly doc: Workspace }

/** What a consumer is told (product.md §10): every field always there, null where it means nothing. */
export interface EventBody {
  event: EventType
  id: string
  /** Rises per message, lead, line or campaign. */
  seq: number
  timestamp: string
  workspaceId: string
  messageId: string | null
  message: MessageView | null
  leadId: string | null
  lead: LeadView | null
  campaignId: string | null
  ghlContactId: string | null
  ghlLocationId: string | null
  hsContactId: string | null
  hsPortalId: string | null
  contactOwnerEmail: string | null
  metadata: Record<string, unknown> | null
  data: Record<string, unknown>
  /** On `message.fallback` only, as in `data`. */
  reason?: string | null
  checkedAddresses?: unknown
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** The lead an event is about, or null. */
export function leadIdOf({ kind, doc }: Subject, event: OutboxEvent): string | null {
  if (kind === 'message') return doc.leadId
  return kind === 'lead' ? doc.id : text(event.data.leadId)
}

/**
 * The body of one event. `lead` is what the lead is now; `message` is the document of the commit that carried the event.
 * The views are made once per document by the caller, because a commit often carries several events.
 */
export function eventBody(subject: Subject, event: OutboxEvent, views: { message: MessageView | null; lead: LeadView | null }): EventBody {
  const { message, lead } = views
  const body: EventBody = {
    event: event.type,
    id: event.id,
    seq: event.seq,
    timestamp: event.at.toISOString(),
    workspaceId: subject.doc.workspaceId,
    messageId: message?.id ?? text(event.data.messageId),
    message,
    leadId: leadIdOf(subject, event),
    lead,
    campaignId: message?.campaignId ?? text(event.data.campaignId),
    ghlContactId: message?.ghlContactId ?? lead?.ghlContactId ?? null,
    ghlLocationId: message?.ghlLocationId ?? lead?.ghlLocationId ?? null,
    hsContactId: message?.hsContactId ?? lead?.hsContactId ?? null,
    hsPortalId: message?.hsPortalId ?? lead?.hsPortalId ?? null,
    contactOwnerEmail: message?.contactOwnerEmail ?? lead?.contactOwnerEmail ?? null,
    metadata: message?.metadata ?? null,
    data: event.data,
  }
  if (event.type !== 'message.fallback') return body
  const reason = text(event.data.reason) ?? message?.reason ?? null
  const checkedAddresses = event.data.checkedAddresses ?? message?.checkedAddresses ?? []
  return { ...body, data: { ...event.data, reason, checkedAddresses }, reason, checkedAddresses }
}

/** The views that the events of one document share. */
export function viewsOf(subject: Subject, lead: Lead | null): { message: MessageView | null; lead: LeadView | null } {
  const shown = subject.kind === 'lead' ? subject.doc : lead
  return { message: subject.kind === 'message' ? messageView(subject.doc) : null, lead: shown && leadView(shown) }
}
