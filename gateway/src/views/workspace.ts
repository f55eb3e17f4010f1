import type { ApiKey, AuditEntry, DncEntry, Job, LeadList, Workspace } from '@trunkline/core'

const iso = (date: Date | null) => date?.toISOString() ?? null

/** A workspace as the API shows it: without its plugins' settings (they have a place of their own) and without its keys. */
export function workspaceView(workspace: Workspace) {
  return {
    id: workspace.id,
    name: workspace.name,
    externalId: workspace.externalId,
    timezone: workspace.timezone,
    defaultCountryCode: workspace.defaultCountryCode,
    optOutScope: workspace.optOutScope,
    fallback: { routes: workspace.fallback.routes, sendFallbackSmsOnFailed: workspace.fallback.sendFallbackSmsOnFailed },
    quietHours: workspace.quietHours,
    stopKeywords: workspace.stopKeywords,
    availability: workspace.availability,
    readOnly: workspace.readOnly,
    createdAt: workspace.createdAt.toISOString(),
    updatedAt: workspace.updatedAt.toISOString(),
  }
}

export function keyView(key: ApiKey) {
  return {
    id: key.id,
    name: key.name,
    scopes: key.scopes,
    hint: key.hint,
    expiresAt: iso(key.expiresAt),
    revokedAt: iso(key.revokedAt),
    createdAt: key.createdAt.toISOString(),
  }
}

export function auditView(entry: AuditEntry) {
  return { id: entry.id, actor: entry.actor, action: entry.action, target: entry.target, data: entry.data, at: entry.at.toISOString() }
}

/** Without its input, which is how the engine goes on with it. */
export function jobView(job: Job) {
  return {
    id: job.id,
    kind: job.kind,
    status: job.status,
    total: job.total,
    done: job.done,
    savedCount: job.savedCount,
    duplicateCount: job.duplicateCount,
    errors: job.errors,
    createdAt: job.createdAt.toISOString(),
    updatedAt: job.updatedAt.toISOString(),
  }
}

export function dncView(entry: DncEntry) {
  return {
    id: entry.id,
    phone: entry.phone,
    email: entry.email,
    leadId: entry.leadId,
    channels: entry.channels,
    reason: entry.reason,
    source: entry.source,
    createdAt: entry.createdAt.toISOString(),
  }
}

export function listView(list: LeadList & { leadCount: number }) {
  return { id: list.id, name: list.name, description: list.description, leadCount: list.leadCount, createdAt: list.createdAt.toISOString() }
}
