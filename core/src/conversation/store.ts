import type { Reply } from './reply.ts'

export interface ReplyFilter {
  leadId?: string
  lineId?: string
  campaignId?: string
  messageId?: string
  since?: Date
}

export interface ReplyStore {
  /**
   * Keeps an inbound message unless it is a redelivery: the same line and vendor id, or the same `contentKey` (who, to whom, text)
   * with a time at most `withinMs` away. Returns the one that is there then.
   */
  insert(reply: Reply, dedupe: { contentKey: string; withinMs: number }): Promise<{ inserted: true } | { inserted: false; existing: Reply }>
  get(workspaceId: string, id: string): Promise<Reply | null>
  commit(reply: Reply): Promise<boolean>
  find(workspaceId: string, filter: ReplyFilter, page: { limit: number; cursor?: string }): Promise<{ replies: Reply[]; nextCursor: string | null }>
  /** The time of the latest reply from this address. */
  latestFrom(workspaceId: string, address: string): Promise<Date | null>
  /** Replies whose consequences a crash left unwritten. */
  unannounced(before: Date, limit: number): Promise<{ workspaceId: string; id: string }[]>
  /** Removes the replies of a lead, and those that came from its addresses before it was one. */
  removeForLead(workspaceId: string, leadId: string, addresses: readonly string[]): Promise<void>
}
