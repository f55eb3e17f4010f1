import { AppError, type IdempotencyStore, type Log, type Runtime } from '@trunkline/core'
import { Registry } from 'prom-client'
import { createApp } from './app.ts'
import type { Engine } from './engine.ts'
import type { HttpConfig } from './http-config.ts'
import { apiKey, at, delivery, job, keys, lead, line, message, reply, webhook, workspace } from './records.test-rig.ts'

/** The port's promises, kept in a map. */
export function createIdempotencyFake(): IdempotencyStore {
  const rows = new Map<string, { bodyHash: string; resourceId: string; at: Date; expiresAt: Date; answer: { status: number; body: string } | null }>()
  return {
    async claim({ workspaceId, key, bodyHash, resourceId, now, staleBefore, expiresAt }) {
      const place = `${workspaceId} ${key}`
      const row = rows.get(place)
      if (row === undefined || row.expiresAt <= now) {
        rows.set(place, { bodyHash, resourceId, at: now, expiresAt, answer: null })
        return { type: 'claimed', resourceId }
      }
      if (row.bodyHash !== bodyHash) return { type: 'mismatch' }
      if (row.answer !== null) return { type: 'done', answer: row.answer }
      if (row.at >= staleBefore) return { type: 'running' }
      row.at = now
      return { type: 'claimed', resourceId: row.resourceId }
    },
    async finish(workspaceId, key, answer) {
      const row = rows.get(`${workspaceId} ${key}`)
      if (row) row.answer = answer
    },
    async forget(workspaceId, key) {
      rows.delete(`${workspaceId} ${key}`)
    },
    async blank() {},
    async prune() {},
  }
}

function notFound(id: string): void {
  if (id === 'nope') throw new AppError('NOT_FOUND', 'There is no such thing')
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** An engine that answers one of each, so that the HTTP side can be looked at alone. */
export function createEngineFake(): Engine {
  const usage = async () => line
  const page = { nextCursor: null }
  const availability = { available: true, status: 'available', address: '+15005550001' } as const
  return {
    leads: {
      save: async (_caller, leads) => ({ leads: leads.map(() => lead), duplicates: [] }),
      get: async (_workspaceId, id) => {
        notFound(id)
        return lead
      },
      find: async () => ({ leads: [lead], ...page }),
      update: async () => lead,
      remove: async (_caller, id) => notFound(id),
      forRecipient: async () => lead,
      recordAvailability: async () => {},
      recordContact: async () => {},
      createList: async () => ({ id: 'list_1', workspaceId: 'ws_1', name: 'Quick Sends', description: null, createdAt: at }),
      lists: async () => [],
      getList: async () => ({ id: 'list_1', workspaceId: 'ws_1', name: 'Quick Sends', description: null, createdAt: at, leadCount: 2 }),
      removeList: async () => {},
      addToList: async (_caller, _id, ids) => ({ addedCount: ids.length }),
    },
    consent: {
      allows: async () => ({ allowed: true }),
      optOut: async () => {},
      optIn: async () => {},
      addDnc: async () => ({
        id: 'dnc_1',
        workspaceId: 'ws_1',
        phone: '+15005550001',
        email: null,
        leadId: null,
        addressHash: 'canary-address-hash',
        channels: null,
        reason: null,
        source: 'api',
        createdAt: at,
      }),
      findDnc: async () => ({ entries: [], ...page }),
      removeDnc: async () => {},
      unsubscribeToken: () => 'good',
      readUnsubscribeToken: (token) => (token === 'good' ? { workspaceId: 'ws_1', leadId: 'lead_1', address: 'a@x.test' } : null),
    },
    lines: { create: usage, get: usage, list: async () => [line], update: usage, remove: async () => {}, check: usage },
    messages: {
      accept: async (_caller, input, reserved) => ({ ...message, message: input.message, id: reserved?.id ?? message.id }),
      get: async (_workspaceId, id) => {
        notFound(id)
        return message
      },
      find: async () => ({ messages: [message], ...page }),
      cancel: async () => ({ ...message, status: 'cancelled' }),
      cancelFor: async () => ({ cancelledCount: 1, messageIds: ['msg_1'] }),
      report: async () => ({ applied: true, status: 'sent' }),
    },
    availability: {
      checkAddress: async (_caller, address) => {
        if (address === 'bad') throw new AppError('VALIDATION', 'is not an address')
        return { ...availability, address, checkedAt: at, detail: null }
      },
      checkLead: async (_caller, leadId) => ({ ...availability, leadId, checkedAddresses: [] }),
      checkLeads: async () => ({ jobId: 'job_1', total: 3 }),
      answers: async () => [],
    },
    replies: { get: async () => reply, find: async () => ({ replies: [reply], ...page }) },
    jobs: { get: async () => job },
    workspaces: {
      get: async (id) => {
        if (id !== 'ws_1') throw new AppError('NOT_FOUND', 'There is no such workspace')
        return workspace
      },
      byExternalId: async (externalId) => (externalId === 'org_1' ? workspace : null),
      list: async () => ({ workspaces: [workspace], ...page }),
      create: async () => ({ workspace, apiKey: 'tl_new-secret' }),
      update: async () => workspace,
      setReadOnly: async (_caller, _id, readOnly) => ({ ...workspace, readOnly }),
      bootstrap: async () => ({ workspaceId: 'ws_1', generatedKey: null }),
    },
    keys: {
      create: async () => ({ key: apiKey(['read']), secret: 'tl_new-secret' }),
      list: async () => Object.values(keys),
      rotate: async () => ({ key: apiKey(['read']), secret: 'tl_new-secret' }),
      revoke: async () => {},
      authenticate: async (secret) => (Object.hasOwn(keys, secret) ? (keys[secret] ?? null) : null),
    },
    audit: {
      record: async () => {},
      find: async () => ({ entries: [{ id: 'aud_1', workspaceId: 'ws_1', actor: 'system', action: 'a.b', target: 't', data: {}, at }], ...page }),
    },
    webhooks: {
      create: async () => ({ webhook, secret: 'whsec_new' }),
      list: async () => [webhook],
      get: async () => webhook,
      update: async () => webhook,
      remove: async () => {},
      test: async () => ({ success: true, statusCode: 200, latencyMs: 5, response: 'ok' }),
      rotateSecret: async () => ({ webhook, secret: 'whsec_new', previousValidUntil: at }),
    },
    replays: {
      deliveries: async () => ({ deliveries: [delivery], ...page }),
      one: async () => delivery,
      range: async () => ({ count: 4 }),
    },
    idempotency: createIdempotencyFake(),
    sealer: {
      seal: (_workspaceId, _field, plain) => `sealed:${Buffer.from(plain).toString('base64')}`,
      open: (_workspaceId, _field, sealed) => Buffer.from(sealed.slice('sealed:'.length), 'base64').toString(),
    },
    receive: async (lineId, secret) => lineId === 'line_1' && secret === 'hook-secret',
    ready: async () => ({ ready: true, checks: { store: 'ok', queue: 'ok' } }),
    metrics: new Registry(),
  }
}

export const config: HttpConfig = {
  publicUrl: 'https://hub.test',
  serviceToken: 'service-token',
  jwt: null,
  rateLimits: null,
  isAlone: false,
}

/** A clock that only moves when it is told to. */
export function createClock() {
  let now = at.getTime()
  let made = 0
  const runtime: Pick<Runtime, 'now' | 'id'> = { now: () => new Date(now), id: (prefix) => `${prefix}_${String(++made).padStart(26, '0')}` }
  return {
    runtime,
    advance(ms: number) {
      now += ms
    },
  }
}

interface RigParts {
  engine?: Partial<Engine>
  config?: Partial<HttpConfig>
  jwtKeys?: Parameters<typeof createApp>[0]['jwtKeys']
  log?: Log
  /** How much later than other rigs it starts. */
  startsLaterMs?: number
}

/** The app over the fake engine, and a caller with a key that may do all. */
export function createRig(parts: RigParts = {}) {
  const clock = createClock()
  clock.advance(parts.startsLaterMs ?? 0)
  const engine: Engine = { ...createEngineFake(), ...parts.engine }
  const { app, document } = createApp({
    engine,
    config: { ...config, ...parts.config },
    log: parts.log ?? silent,
    runtime: clock.runtime,
    ...(parts.jwtKeys && { jwtKeys: parts.jwtKeys }),
  })
  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const init: RequestInit = {
      method,
      headers: { authorization: 'Bearer tl_all', ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    }
    if (body !== undefined) init.body = typeof body === 'string' ? body : JSON.stringify(body)
    return app.request(path, init)
  }
  return { app, document, clock, engine, call }
}
