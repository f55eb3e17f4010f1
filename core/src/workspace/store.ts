import type { Outboxes } from '../event/event.ts'
import type { ApiKey, AuditEntry, Job, Workspace } from './workspace.ts'

export interface WorkspaceStore extends Outboxes {
  /** False when the id or the `externalId` is taken. */
  insert(workspace: Workspace): Promise<boolean>
  get(id: string): Promise<Workspace | null>
  byExternalId(externalId: string): Promise<Workspace | null>
  list(page: { limit: number; cursor?: string }): Promise<{ workspaces: Workspace[]; nextCursor: string | null }>
  /** `taken`: another workspace has this `externalId`. */
  commit(workspace: Workspace): Promise<'ok' | 'conflict' | 'taken'>
}

export interface KeyStore {
  insert(key: ApiKey): Promise<boolean>
  byHash(hash: string): Promise<ApiKey | null>
  get(workspaceId: string, id: string): Promise<ApiKey | null>
  list(workspaceId: string): Promise<ApiKey[]>
  /** Sets when it ends (rotation) or that it is revoked. */
  end(workspaceId: string, id: string, when: { expiresAt?: Date; revokedAt?: Date }): Promise<boolean>
}

export interface AuditStore {
  record(entry: AuditEntry): Promise<void>
  find(workspaceId: string, page: { limit: number; cursor?: string }): Promise<{ entries: AuditEntry[]; nextCursor: string | null }>
}

export interface JobStore {
  insert(job: Job): Promise<boolean>
  get(workspaceId: string, id: string): Promise<Job | null>
  commit(job: Job): Promise<boolean>
  due(before: Date, limit: number): Promise<{ workspaceId: string; id: string; dueAt: Date }[]>
}

/** The stored answer of one idempotent request. */
export interface StoredAnswer {
  status: number
  body: string
}

export type Claim = { type: 'claimed'; resourceId: string } | { type: 'running' } | { type: 'mismatch' } | { type: 'done'; answer: StoredAnswer }

export interface IdempotencyStore {
  /**
   * One row per (workspace, key). `claimed` to exactly one caller; a claim left `running` since before `staleBefore` (its process died) is
   * taken over with the `resourceId` of the first claim, so that what it made is found and not made twice. Expired rows do not count.
   */
  claim(request: {
    workspaceId: string
    key: string
    bodyHash: string
    resourceId: string
    now: Date
    staleBefore: Date
    expiresAt: Date
  }): Promise<Claim>
  finish(workspaceId: string, key: string, answer: StoredAnswer): Promise<void>
  /** The request changed nothing (it was refused before it began): the key is free again. */
  forget(workspaceId: string, key: string): Promise<void>
  /** Erasure: every stored answer of the workspace that holds this id is replaced. The keys stay used. */
  blank(workspaceId: string, id: string, answer: StoredAnswer): Promise<void>
  prune(expiredBefore: Date): Promise<void>
}
