import type { Answer } from '../../availability/store.ts'
import type { Reply } from '../../conversation/reply.ts'
import type { OutboxEvent } from '../../event/event.ts'
import type { Delivery } from '../../event/store.ts'
import type { Lead, LeadList } from '../../lead/lead.ts'
import type { DncEntry } from '../../lead/store.ts'
import { defaultLimits, type Line } from '../../line/line.ts'
import type { Message } from '../../message/message.ts'
import { createIds } from '../../runtime.ts'
import type { Webhook } from '../../webhook/webhook.ts'
import type { ApiKey, AuditEntry, Job, Workspace } from '../../workspace/workspace.ts'
import { messageFixture } from '../message-fixture.ts'

export const start = new Date('2026-11-22T09:00:00.000Z')
/** `start`, moved. */
export const at = (ms: number): Date => new Date(start.getTime() + ms)
/** Before everything else in the suite: what sees all workspaces finds only what a case put there. `era` keeps cases apart. */
export const longAgo = (era: number, ms = 0): Date => new Date(era * 86_400_000 + ms)
/** Rise in the order they are made. */
export const id = createIds(() => start.getTime())
/** A workspace of one case. */
export const newWorkspaceId = (): string => id('ws')

export const event = (over: Partial<OutboxEvent> = {}): OutboxEvent => ({
  id: id('evt'),
  type: 'message.queued',
  seq: 1,
  at: start,
  data: { a: 1 },
  ...over,
})

export const message = (over: Partial<Message> & { workspaceId: string }): Message => messageFixture({ id: id('msg'), leadId: null, ...over })

export const lead = (over: Partial<Lead> & { workspaceId: string }): Lead => ({
  id: id('lead'),
  version: 1,
  seq: 0,
  outbox: [],
  firstName: 'Ada',
  lastName: null,
  phone: null,
  email: null,
  altPhone1: null,
  altPhone2: null,
  altPhone3: null,
  altEmail1: null,
  altEmail2: null,
  altEmail3: null,
  companyName: null,
  jobTitle: null,
  timezone: null,
  tags: ['a'],
  customFields: {},
  externalId: null,
  source: null,
  contactOwnerEmail: null,
  hsContactId: null,
  hsPortalId: null,
  ghlContactId: null,
  ghlLocationId: null,
  consent: {},
  optedOut: {},
  availabilityStatus: 'unknown',
  availableAddress: null,
  availabilityCheckedAt: null,
  lastContactedAt: null,
  lastRepliedAt: null,
  createdAt: start,
  updatedAt: start,
  ...over,
})

export const list = (over: Partial<LeadList> & { workspaceId: string }): LeadList => ({
  id: id('list'),
  name: 'Quick Sends',
  description: null,
  createdAt: start,
  ...over,
})

export const dnc = (over: Partial<DncEntry> & { workspaceId: string }): DncEntry => ({
  id: id('dnc'),
  phone: null,
  email: null,
  leadId: null,
  addressHash: null,
  channels: null,
  reason: null,
  source: 'api',
  createdAt: start,
  ...over,
})

export const line = (over: Partial<Line> & { workspaceId: string }): Line => ({
  id: id('line'),
  version: 1,
  seq: 0,
  outbox: [],
  name: 'One',
  channel: 'imessage',
  phone: '+15005550100',
  email: null,
  transport: { type: 'sandbox', settings: {}, sealed: {} },
  deviceId: null,
  timezone: 'UTC',
  isActive: true,
  limits: defaultLimits,
  health: { status: 'healthy', lastCheckedAt: start, reasons: [], consecutiveFailures: 0, consecutiveSuccesses: 1, canCheckAvailability: true },
  hookSecret: 'hook',
  createdAt: start,
  updatedAt: start,
  ...over,
})

export const webhook = (over: Partial<Webhook> & { workspaceId: string }): Webhook => ({
  id: id('whk'),
  version: 1,
  seq: 0,
  outbox: [],
  url: 'https://example.test/hook',
  events: ['*'],
  name: null,
  description: null,
  isActive: true,
  secrets: [
    { sealed: 'sealed', validUntil: null },
    { sealed: 'older', validUntil: start },
  ],
  failureCount: 0,
  failingSince: start,
  lastSuccessAt: start,
  lastFailureAt: start,
  disabledAt: start,
  disabledReason: null,
  createdAt: start,
  updatedAt: start,
  ...over,
})

export const workspace = (over: Partial<Workspace> = {}): Workspace => {
  const made = id('ws')
  return {
    id: made,
    workspaceId: made,
    version: 1,
    seq: 0,
    outbox: [],
    name: 'Acme',
    externalId: null,
    timezone: 'UTC',
    defaultCountryCode: '+1',
    optOutScope: 'lead',
    fallback: { routes: [], sendFallbackSmsOnFailed: false },
    quietHours: null,
    stopKeywords: [],
    availability: { availableTtlHours: 168, unavailableTtlHours: 24 },
    readOnly: null,
    plugins: {},
    hashKey: 'sealed',
    createdAt: start,
    updatedAt: start,
    ...over,
  }
}

export const delivery = (over: Partial<Delivery> & { workspaceId: string }): Delivery => ({
  id: id('dlv'),
  version: 1,
  consumer: 'webhook:whk_1',
  event: 'message.sent',
  eventId: 'evt_1',
  aggregateId: 'msg_1',
  leadId: null,
  body: '{"a":1}',
  status: 'pending',
  attempts: [{ at: start, statusCode: 500, latencyMs: 3, error: 'no' }],
  dueAt: start,
  createdAt: start,
  ...over,
})

export const reply = (over: Partial<Reply> & { workspaceId: string }): Reply => ({
  id: id('rpl'),
  version: 1,
  text: 'Yes',
  from: '+15005550001',
  to: '+15005550100',
  channel: 'imessage',
  lineId: 'line_1',
  leadId: null,
  campaignId: null,
  messageId: null,
  externalId: null,
  keyword: null,
  attachments: [{ name: 'a.png', mimeType: null }],
  at: start,
  announced: false,
  createdAt: start,
  ...over,
})

export const apiKey = (over: Partial<ApiKey> & { workspaceId: string }): ApiKey => {
  const made = id('key')
  return {
    id: made,
    name: 'CI',
    scopes: ['read'],
    isInstallation: false,
    hash: `hash of ${made}`,
    hint: 'tl_abcd',
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: start,
    createdAt: start,
    ...over,
  }
}

export const audit = (over: Partial<AuditEntry> & { workspaceId: string }): AuditEntry => ({
  id: id('aud'),
  actor: 'system',
  action: 'webhook.created',
  target: 'whk_1',
  data: { a: 1 },
  at: start,
  ...over,
})

export const job = (over: Partial<Job> & { workspaceId: string }): Job => ({
  id: id('job'),
  version: 1,
  kind: 'import',
  status: 'running',
  total: 3,
  done: 0,
  savedCount: 0,
  duplicateCount: 0,
  errors: [{ row: 1, field: 'phone', message: 'no' }],
  input: { at: '2026-11-22T09:00:00.000Z' },
  cursor: null,
  dueAt: null,
  createdAt: start,
  updatedAt: start,
  ...over,
})

export const answer = (over: Partial<Answer> & { address: string }): Answer => ({
  available: true,
  checkedAt: start,
  expiresAt: at(1_000),
  lineId: 'line_1',
  ...over,
})
