import type { Outboxes } from '../event/event.ts'
import type { Channel } from '../message/message.ts'
import type { Lead, LeadList } from './lead.ts'

export interface LeadFilter {
  listId?: string
  /** Lead with exactly this normalised address. */
  address?: string
  externalId?: string
}

/** A claim that lost: the address belongs to another lead. */
export interface Taken {
  address: string
  leadId: string
}

export interface LeadStore extends Outboxes {
  /** One write with its addresses: an address belongs to one lead of a workspace. Nothing is written when one is taken or the id exists. */
  insert(lead: Lead): Promise<{ ok: true } | { ok: false; taken: Taken[] }>
  get(workspaceId: string, id: string): Promise<Lead | null>
  getMany(workspaceId: string, ids: readonly string[]): Promise<Lead[]>
  /** The lead of each address that has one. */
  byAddresses(workspaceId: string, addresses: readonly string[]): Promise<Map<string, string>>
  /** Compare-and-set; addresses follow the document. `conflict`: another version; `taken`: an address is another lead's (nothing is written). */
  commit(lead: Lead): Promise<{ ok: true } | { ok: false; why: 'conflict' } | { ok: false; why: 'taken'; taken: Taken[] }>
  /** Newest first. */
  find(workspaceId: string, filter: LeadFilter, page: { limit: number; cursor?: string }): Promise<{ leads: Lead[]; nextCursor: string | null }>
  /** Removes the lead, its addresses and its places in lists. */
  remove(workspaceId: string, id: string): Promise<boolean>

  insertList(list: LeadList): Promise<boolean>
  getList(workspaceId: string, id: string): Promise<LeadList | null>
  /** The one named so, made if it is not there: `id` is used then. Two callers at once get the same one. */
  listNamed(list: LeadList): Promise<LeadList>
  lists(workspaceId: string): Promise<(LeadList & { leadCount: number })[]>
  removeList(workspaceId: string, id: string): Promise<boolean>
  /** Adds leads; those in it already stay. Returns how many were added. */
  addToList(workspaceId: string, listId: string, leadIds: readonly string[]): Promise<number>
  /** Ids of a list's leads, by id, after `afterId`. */
  leadIdsOf(workspaceId: string, listId: string, afterId: string | null, limit: number): Promise<string[]>
}

/** An entry of the do-not-contact list. It holds for one address, or for a lead on all its addresses. */
export interface DncEntry {
  readonly id: string
  readonly workspaceId: string
  readonly phone: string | null
  readonly email: string | null
  readonly leadId: string | null
  /** Keyed hash of the address: what is matched, and all that stays after erasure. */
  readonly addressHash: string | null
  /** Null: every channel. */
  readonly channels: readonly Channel[] | null
  readonly reason: string | null
  /** `api`, `keyword`, `unsubscribe`, a plugin's id. */
  readonly source: string
  readonly createdAt: Date
}

export interface DncStore {
  /** The same address or lead, channels and source twice is kept once: then the entry that is there is returned. */
  add(entry: DncEntry): Promise<DncEntry>
  get(workspaceId: string, id: string): Promise<DncEntry | null>
  find(workspaceId: string, page: { limit: number; cursor?: string }): Promise<{ entries: DncEntry[]; nextCursor: string | null }>
  remove(workspaceId: string, id: string): Promise<boolean>
  /** Entries for any of these hashes or for this lead. */
  matching(workspaceId: string, who: { addressHashes: readonly string[]; leadId: string | null }): Promise<DncEntry[]>
  /** Erasure: forgets the addresses in clear of entries with these hashes, and entries by lead become nothing. The hashes stay. */
  blank(workspaceId: string, who: { addressHashes: readonly string[]; leadId: string }): Promise<void>
}
