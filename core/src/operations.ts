import type { Answer } from './availability/store.ts'
import type { Reply } from './conversation/reply.ts'
import type { ReplyFilter } from './conversation/store.ts'
import type { AddressField, AvailabilityStatus, Lead, LeadList } from './lead/lead.ts'
import type { DncEntry, LeadFilter } from './lead/store.ts'
import type { Line, LineLimits } from './line/line.ts'
import type { Status } from './message/lifecycle.ts'
import type { Channel, CheckedAddress, Message } from './message/message.ts'
import type { MessageFilter } from './message/store.ts'
import type { ApiKey, AuditEntry, Job, Scope, Workspace } from './workspace/workspace.ts'

/** Who asks, for the audit log and for correlation. Every operation is scoped to `workspaceId`. */
export interface Caller {
  readonly workspaceId: string
  /** `key:key_…`, `user:<sub>`, `system`. */
  readonly actor: string
  readonly correlationId: string | null
}

/** Creating operations take an id reserved by the idempotency key: made twice with one id, the second returns the first. */
export interface Reserved {
  readonly id?: string | undefined
}

export interface Page {
  readonly limit: number
  readonly cursor?: string | undefined
}

type Nullable<T> = { [K in keyof T]?: T[K] | null | undefined }

export interface LeadInput
  extends Nullable<Record<AddressField, string>>,
    Nullable<
      Pick<
        Lead,
        | 'firstName'
        | 'lastName'
        | 'companyName'
        | 'jobTitle'
        | 'timezone'
        | 'externalId'
        | 'source'
        | 'contactOwnerEmail'
        | 'hsContactId'
        | 'hsPortalId'
        | 'ghlContactId'
        | 'ghlLocationId'
      >
    > {
  tags?: string[] | undefined
  customFields?: Record<string, unknown> | undefined
  listId?: string | null | undefined
  consent?: Partial<Record<Channel, { granted: boolean; source?: string | null | undefined; at?: string | null | undefined }>> | undefined
}

export interface FoundAvailability {
  status: AvailabilityStatus
  address: string | null
  checkedAddresses: readonly CheckedAddress[]
}

export interface Leads {
  /** Saves new ones; one whose address is known is a duplicate of the lead that has it. Refuses: VALIDATION (no or bad address), LIST_NOT_FOUND. */
  save(
    caller: Caller,
    leads: readonly LeadInput[],
    reserved?: Reserved,
  ): Promise<{ leads: Lead[]; duplicates: { input: LeadInput; existingLeadId: string }[] }>
  get(workspaceId: string, id: string): Promise<Lead>
  find(workspaceId: string, filter: LeadFilter, page: Page): Promise<{ leads: Lead[]; nextCursor: string | null }>
  /** Refuses: LEAD_NOT_FOUND, ADDRESS_TAKEN (extra.leadId), VALIDATION, CONFLICT. An update must leave at least one address. */
  update(caller: Caller, id: string, patch: LeadInput): Promise<Lead>
  /** Erasure: messages, replies, deliveries, addresses, list places go; keyed hashes stay in the do-not-contact list. */
  remove(caller: Caller, id: string): Promise<void>
  /**
   * The lead for a recipient of a quick send: by id, else the one that has any of the addresses, else a new one in the list "Quick Sends".
   * Adds no address to an existing lead. What need not be done before the lead is used (its place in the list) is given to `alongside`,
   * to be awaited before the caller is answered; without it, it is waited for here.
   */
  forRecipient(
    caller: Caller,
    recipient: LeadInput & { leadId?: string | null | undefined },
    alongside?: (work: Promise<unknown>) => void,
  ): Promise<Lead>
  /** Records what a check found, on the lead, with the event `availability.checked`. */
  recordAvailability(workspaceId: string, id: string, found: FoundAvailability): Promise<void>
  /**
   * lastContactedAt / lastRepliedAt move forward; no event for them (they would drown the others). What a check found may come with it,
   * in the same write.
   */
  recordContact(workspaceId: string, id: string, at: { contactedAt?: Date; repliedAt?: Date; found?: FoundAvailability | undefined }): Promise<void>
  createList(caller: Caller, input: { name: string; description?: string | null | undefined }, reserved?: Reserved): Promise<LeadList>
  lists(workspaceId: string): Promise<(LeadList & { leadCount: number })[]>
  getList(workspaceId: string, id: string): Promise<LeadList & { leadCount: number }>
  removeList(caller: Caller, id: string): Promise<void>
  addToList(caller: Caller, listId: string, leadIds: readonly string[]): Promise<{ addedCount: number }>
}

export type ConsentVerdict = { allowed: true } | { allowed: false; why: string }

export interface Consent {
  /** May this channel be used to this address of this lead, now? Reads fresh; three callers: accepting, reserving, right before the vendor call. */
  allows(workspaceId: string, who: { lead: Lead | null; address: string; channel: Channel }): Promise<ConsentVerdict>
  /** Opts out by the workspace's `optOutScope` (lead, or the address only), cancels what is open, waits briefly for what is in flight; event lead.opted_out. */
  optOut(
    caller: Caller,
    who: { lead: Lead | null; address: string | null; channels: readonly Channel[] | null; reason: string; source: string },
  ): Promise<void>
  optIn(caller: Caller, who: { lead: Lead | null; address: string | null; source: string }): Promise<void>
  /** POST /api/dnc: adds an entry (and opts the lead out when `leadId` or a lead's address is given), cancels what is open. LEAD_NOT_FOUND, VALIDATION. */
  addDnc(
    caller: Caller,
    input: {
      phone?: string | null | undefined
      email?: string | null | undefined
      leadId?: string | null | undefined
      channels?: Channel[] | undefined
      reason?: string | null | undefined
    },
    reserved?: Reserved,
  ): Promise<DncEntry>
  findDnc(workspaceId: string, page: Page): Promise<{ entries: DncEntry[]; nextCursor: string | null }>
  removeDnc(caller: Caller, id: string): Promise<void>
  /** Signed, without a session: for List-Unsubscribe. Null when the token is not ours. */
  unsubscribeToken(workspaceId: string, who: { leadId: string | null; address: string }): string
  readUnsubscribeToken(token: string): { workspaceId: string; leadId: string | null; address: string } | null
}

export interface LineInput extends Partial<LineLimits> {
  name?: string | undefined
  channel?: Channel | undefined
  phone?: string | null | undefined
  email?: string | null | undefined
  /** `{ type, …settings }`, secrets in clear. On PATCH a missing secret keeps the stored one. */
  transport?: ({ type: string } & Record<string, unknown>) | undefined
  deviceId?: string | null | undefined
  timezone?: string | undefined
  isActive?: boolean | undefined
}

export interface LineUsage {
  usage: { date: string; newConversationsCount: number; totalMessagesCount: number; availabilityChecksCount: number }
  remaining: { newConversations: number; totalMessages: number; availabilityChecks: number }
}

export interface Lines {
  /** Refuses: VALIDATION (unknown transport, channel not offered by it, bad settings naming `transport.url` …). Sandbox lines get no gaps unless given. */
  create(caller: Caller, input: LineInput, reserved?: Reserved): Promise<Line & LineUsage>
  get(workspaceId: string, id: string): Promise<Line & LineUsage>
  list(
    workspaceId: string,
    filter: { channel?: Channel | undefined; healthy?: boolean | undefined; active?: boolean | undefined },
  ): Promise<(Line & LineUsage)[]>
  update(caller: Caller, id: string, patch: LineInput): Promise<Line & LineUsage>
  /** LINE_IN_USE while messages wait on it, are being sent or are pinned to it. */
  remove(caller: Caller, id: string): Promise<void>
  /** Ping and capability now; writes the health. */
  check(workspaceId: string, id: string): Promise<Line & LineUsage>
}

export interface MessageInput {
  message: string
  messageType?: Channel | undefined
  leadId?: string | null | undefined
  recipientPhone?: string | null | undefined
  recipientEmail?: string | null | undefined
  recipientName?: string | null | undefined
  altPhone1?: string | null | undefined
  altPhone2?: string | null | undefined
  altPhone3?: string | null | undefined
  altEmail1?: string | null | undefined
  altEmail2?: string | null | undefined
  altEmail3?: string | null | undefined
  fromLineId?: string | null | undefined
  attachmentUrls?: string[] | undefined
  scheduledDate?: string | null | undefined
  timezone?: string | null | undefined
  sendWindowStart?: string | null | undefined
  sendWindowEnd?: string | null | undefined
  allowedDaysOfWeek?: number[] | null | undefined
  sendFallbackSmsOnFailed?: boolean | null | undefined
  priority?: 'high' | 'normal' | undefined
  batchId?: string | null | undefined
  metadata?: Record<string, unknown> | null | undefined
  subject?: string | null | undefined
  ghlContactId?: string | null | undefined
  ghlLocationId?: string | null | undefined
  hsContactId?: string | null | undefined
  hsPortalId?: string | null | undefined
  contactOwnerEmail?: string | null | undefined
}

/** What an outside worker or bridge reports at POST /api/webhooks/v1-message. */
export interface ServiceReport {
  event: 'message.sent' | 'message.delivered' | 'message.opened' | 'message.failed' | 'message.fallback' | 'message.reply'
  messageId?: string | null | undefined
  externalMessageId?: string | null | undefined
  timestamp?: string | null | undefined
  reason?: string | null | undefined
  checkedAddresses?: { address: string; available: boolean | null }[] | undefined
  error?: string | null | undefined
  reply?:
    | { text: string; from: string; to?: string | null | undefined; at?: string | null | undefined; id?: string | null | undefined }
    | null
    | undefined
}

export interface Messages {
  /** Refuses: VALIDATION, NO_RECIPIENT, NO_LINE, FALLBACK_NOT_CONFIGURED, READ_ONLY, OPTED_OUT, LEAD_NOT_FOUND, LINE_NOT_FOUND. Durable when it resolves. */
  accept(caller: Caller, input: MessageInput, reserved?: Reserved): Promise<Message>
  get(workspaceId: string, id: string): Promise<Message>
  find(workspaceId: string, filter: MessageFilter, page: Page): Promise<{ messages: Message[]; nextCursor: string | null }>
  /** NOT_CANCELLABLE once it is being sent or has ended (cancelled twice is fine). After it resolves no vendor call starts. */
  cancel(caller: Caller, id: string): Promise<Message>
  cancelFor(
    caller: Caller,
    who: { leadId?: string | null | undefined; recipientPhone?: string | null | undefined; recipientEmail?: string | null | undefined },
    why?: string,
  ): Promise<{ cancelledCount: number; messageIds: string[] }>
  /** The service endpoint: finds the message in any workspace. MESSAGE_NOT_FOUND. */
  report(report: ServiceReport): Promise<{ applied: boolean; status: Status }>
}

export interface Availability {
  /** One address. A fresh answer costs no query; else a line is asked within its quota. `status` of an address nobody can check is `unknown`. */
  checkAddress(
    caller: Caller,
    address: string,
  ): Promise<{ address: string; available: boolean | null; status: AvailabilityStatus; checkedAt: Date | null; detail: string | null }>
  /** The lead's addresses in order until the first hit. */
  checkLead(
    caller: Caller,
    leadId: string,
  ): Promise<{ leadId: string; available: boolean | null; status: AvailabilityStatus; address: string | null; checkedAddresses: CheckedAddress[] }>
  /** In the background: LEAD_NOT_FOUND, LIST_NOT_FOUND. */
  checkLeads(
    caller: Caller,
    who: { leadIds?: string[] | undefined; listId?: string | undefined },
    reserved?: Reserved,
  ): Promise<{ jobId: string; total: number }>
  answers(workspaceId: string, addresses: readonly string[]): Promise<Answer[]>
}

export interface Replies {
  get(workspaceId: string, id: string): Promise<Reply>
  find(workspaceId: string, filter: ReplyFilter, page: Page): Promise<{ replies: Reply[]; nextCursor: string | null }>
}

export interface Jobs {
  get(workspaceId: string, id: string): Promise<Job>
}

export interface WorkspaceInput {
  name?: string | undefined
  externalId?: string | null | undefined
  timezone?: string | undefined
  defaultCountryCode?: string | undefined
  optOutScope?: 'lead' | 'address' | undefined
  fallback?: { routes?: string[] | undefined; sendFallbackSmsOnFailed?: boolean | undefined } | undefined
  quietHours?: { start: string; end: string; timezone: string } | null | undefined
  stopKeywords?: string[] | undefined
  availability?: { availableTtlHours?: number | undefined; unavailableTtlHours?: number | undefined } | undefined
}

export interface Workspaces {
  get(id: string): Promise<Workspace>
  byExternalId(externalId: string): Promise<Workspace | null>
  list(page: Page): Promise<{ workspaces: Workspace[]; nextCursor: string | null }>
  /** A new tenant with its first admin key. CONFLICT when the externalId is taken. */
  create(caller: Caller, input: WorkspaceInput, reserved?: Reserved): Promise<{ workspace: Workspace; apiKey: string }>
  update(caller: Caller, id: string, patch: WorkspaceInput): Promise<Workspace>
  setReadOnly(caller: Caller, id: string, readOnly: { reason: string } | null): Promise<Workspace>
  /** The first start of an empty store: first workspace, its admin key (given or generated), and a sandbox line when `sandboxLine`. Safe when several processes start at once. */
  bootstrap(first: { adminApiKey: string | null; sandboxLine: boolean }): Promise<{ workspaceId: string; generatedKey: string | null }>
}

export interface Keys {
  create(caller: Caller, input: { name: string; scopes: Scope[] }, reserved?: Reserved): Promise<{ key: ApiKey; secret: string }>
  list(workspaceId: string): Promise<ApiKey[]>
  /** A new secret; the old one stays valid for a day. NOT_FOUND. */
  rotate(caller: Caller, id: string): Promise<{ key: ApiKey; secret: string }>
  revoke(caller: Caller, id: string): Promise<void>
  /** Null for anything that is not a valid key now. Cached for half a second at most. */
  authenticate(secret: string): Promise<ApiKey | null>
}

export interface Audit {
  record(caller: Caller, action: string, target: string, data?: Record<string, unknown>): Promise<void>
  find(workspaceId: string, page: Page): Promise<{ entries: AuditEntry[]; nextCursor: string | null }>
}
