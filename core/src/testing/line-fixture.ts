import { defaultLimits, type Line } from '../line/line.ts'

/** A healthy iMessage line with the product's defaults, but for `over`. */
export function lineFixture(over: Partial<Line>): Line {
  const at = new Date('2026-11-22T09:00:00Z')
  return {
    id: 'line_1',
    workspaceId: 'ws_1',
    version: 1,
    seq: 0,
    outbox: [],
    name: 'Line',
    channel: 'imessage',
    phone: null,
    email: null,
    transport: { type: 'sandbox', settings: {}, sealed: {} },
    deviceId: null,
    timezone: 'UTC',
    isActive: true,
    limits: defaultLimits,
    health: { status: 'healthy', lastCheckedAt: at, reasons: [], consecutiveFailures: 0, consecutiveSuccesses: 2, canCheckAvailability: true },
    hookSecret: 'secret',
    createdAt: at,
    updatedAt: at,
    ...over,
  }
}
