import type { Line, LineUsage } from '@trunkline/core'

/** A line as the API shows it: public settings only, and where its bridge posts. */
export function lineView(line: Line & LineUsage, publicUrl: string) {
  const { status, lastCheckedAt, reasons } = line.health
  return {
    id: line.id,
    workspaceId: line.workspaceId,
    name: line.name,
    channel: line.channel,
    phone: line.phone,
    email: line.email,
    transport: { ...line.transport.settings, type: line.transport.type },
    deviceId: line.deviceId,
    timezone: line.timezone,
    isActive: line.isActive,
    ...line.limits,
    health: { status, lastCheckedAt: lastCheckedAt?.toISOString() ?? null, reasons },
    usage: line.usage,
    remaining: line.remaining,
    hookUrl: `${publicUrl}/hooks/lines/${line.id}/${line.hookSecret}`,
    createdAt: line.createdAt.toISOString(),
    updatedAt: line.updatedAt.toISOString(),
  }
}
