import type { Outboxes } from '../event/event.ts'
import type { Status } from './lifecycle.ts'
import type { Message } from './message.ts'

export interface MessageFilter {
  status?: Status
  lineId?: string
  leadId?: string
  campaignId?: string
  batchId?: string
  /** Made at or after. */
  since?: Date
}

/** Which open messages (`queued`, `pending`) of one recipient. Exactly one of both is given. */
export type Recipient = { leadId: string } | { address: string }

/** Something a channel said about a message whose vendor id nobody knows yet (F15). */
export interface ParkedReceipt {
  lineId: string
  externalId: string
  /** JSON of the receipt. */
  receipt: string
  at: Date
}

export interface MessageStore extends Outboxes {
  /** False when a message with this id is there already (nothing is written then). */
  insert(message: Message): Promise<boolean>
  get(workspaceId: string, id: string): Promise<Message | null>
  /**
   * Writes the document with `version + 1` if the stored version is `message.version`. False on conflict. Recipient, lead, campaign, batch
   * and priority are settled by `insert`: it stays found by those.
   */
  commit(message: Message): Promise<boolean>
  /** Newest first. */
  find(
    workspaceId: string,
    filter: MessageFilter,
    page: { limit: number; cursor?: string },
  ): Promise<{ messages: Message[]; nextCursor: string | null }>
  /** Messages whose `dueAt` is not after `before`: soonest first, high priority before normal at the same time. */
  due(before: Date, limit: number): Promise<{ workspaceId: string; id: string; dueAt: Date; version: number }[]>
  backlog(now: Date): Promise<{ count: number; oldestDueAt: Date | null }>
  byExternalId(workspaceId: string, lineId: string | null, externalId: string): Promise<Message | null>
  byAttempt(workspaceId: string, attemptId: string): Promise<Message | null>
  /** The latest message that was handed over (or is being) to this address, on this line when one is given. */
  latestTo(workspaceId: string, address: string, lineId?: string): Promise<Message | null>
  /** The line of the latest message handed over to this lead. */
  lineOfLead(workspaceId: string, leadId: string): Promise<string | null>
  /** Whether this line ever handed over (`sent`, `delivered`, or `sending` now, or an unknown outcome) a message to this address. */
  touched(workspaceId: string, lineId: string, address: string): Promise<boolean>
  /** Finds a message in any workspace, for callers that the installation itself trusts (service endpoint). */
  locate(who: { id: string } | { externalId: string }): Promise<{ workspaceId: string; id: string } | null>
  /** `pending` messages of a line of normal priority whose `sendAt` is after `after`, soonest first. */
  pendingOfLine(workspaceId: string, lineId: string, after: Date, limit: number): Promise<Message[]>
  /** Messages in `queued` or `pending` of this recipient, oldest first. An address matches `address`, `recipientPhone` and `recipientEmail`. */
  open(workspaceId: string, recipient: Recipient, limit: number): Promise<Message[]>
  /** Ids of messages in `sending` whose `address` is one of these. */
  sendingTo(workspaceId: string, addresses: readonly string[]): Promise<string[]>
  /** Open messages of a line (`queued`, `pending`, `sending`), at most `limit`. */
  openOfLine(workspaceId: string, lineId: string, limit: number): Promise<Message[]>
  /** Removes every message of a lead; returns their ids. */
  removeForLead(workspaceId: string, leadId: string): Promise<string[]>
  /** Keeps a receipt for a vendor id that is not joined yet. The same receipt twice is kept once. */
  park(workspaceId: string, parked: ParkedReceipt): Promise<void>
  /** Takes what was parked for this vendor id, oldest first. */
  unpark(workspaceId: string, lineId: string, externalId: string): Promise<ParkedReceipt[]>
  /** Forgets receipts parked before `before`. */
  pruneParked(before: Date): Promise<void>
}
