import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { OutboxEvent, Relay } from '../event/event.ts'
import { createConsent } from '../lead/consent-keeper.ts'
import { createLeads } from '../lead/leads.ts'
import { createLines } from '../line/lines.ts'
import { type Channel, channels } from '../message/message.ts'
import type { Recipient } from '../message/store.ts'
import type { Caller } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import { createSqliteStores } from '../store/sql/index.ts'
import type { Stores } from '../store/stores.ts'
import type { Checkup, TransportKind } from '../transport/transport.ts'
import { createAudit } from '../workspace/audit.ts'
import { createKeys } from '../workspace/keys.ts'
import { createSealer } from '../workspace/secrets.ts'
import { createWorkspaces } from '../workspace/workspaces.ts'
import { createMovedClock } from './moved-clock.ts'

function kind(type: string, offered: readonly Channel[], settings: z.ZodObject): TransportKind {
  return {
    type,
    channels: offered,
    settings,
    noGaps: type === 'sandbox',
    open() {
      throw new Error('records open no transport')
    },
  }
}

export const bridge = z.strictObject({ url: z.url(), password: z.string().min(1).meta({ secret: true }), method: z.enum(['a', 'b']).default('a') })

/** The records of the engine over SQLite in a temporary file, with one workspace unless `empty`. Whoever waits on the clock moves it. */
export async function createRecordsRig({ empty = false } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'trunkline-records-'))
  const clock = createMovedClock({ startsAt: '2026-11-22T12:00:00Z' })
  const runtime: Runtime = {
    ...clock.runtime,
    after(delayMs, run) {
      const cancel = clock.runtime.after(delayMs, run)
      void clock.advance(delayMs)
      return cancel
    },
  }
  const opened: Stores = await createSqliteStores({ file: join(directory, 'hub.db'), log: runtime.log })
  const calls: string[] = []
  /** One test's tampering with the ports, by `port.verb`: to run before the call, or to fail it. */
  const before = new Map<string, () => Promise<void> | void>()
  const stores = Object.fromEntries(
    Object.entries(opened).map(([port, verbs]) => [port, typeof verbs === 'object' ? watched(port, verbs) : verbs]),
  ) as unknown as Stores

  function watched<T extends object>(port: string, verbs: T): T {
    return new Proxy(verbs, {
      get(target, verb, receiver) {
        const value: unknown = Reflect.get(target, verb, receiver)
        if (typeof value !== 'function') return value
        return async (...given: unknown[]) => {
          const name = `${port}.${String(verb)}`
          calls.push(name)
          await before.get(name)?.()
          return value.apply(target, given)
        }
      },
    })
  }

  const events: OutboxEvent[] = []
  const relayed: Promise<void>[] = []
  const relay: Relay = (what, doc) => {
    events.push(...doc.outbox)
    const outboxes = what === 'lead' ? opened.leads : opened.lines
    relayed.push(outboxes.relayed(doc))
  }
  const cancelled: { recipient: Recipient; why: string; channels: readonly Channel[] | null }[] = []
  const cancelOpen = async (_: string, recipient: Recipient, why: string, on: readonly Channel[] | null = null) => {
    cancelled.push({ recipient, why, channels: on })
  }

  const sealer = createSealer([randomBytes(32)])
  const audit = createAudit({ stores, runtime })
  const parts = { stores, runtime, sealer, relay, audit, cancelOpen, announced: () => Promise.all(relayed) }
  let answer: Checkup = { ok: true, why: null, canCheckAvailability: true }
  const kinds = [kind('sandbox', channels, z.strictObject({})), kind('bridge', ['imessage'], bridge)]
  const lines = createLines({ ...parts, kinds: new Map(kinds.map((each) => [each.type, each])), checkup: async () => answer })
  const workspaces = createWorkspaces({ ...parts, lines })
  const leads = createLeads(parts)
  const consent = createConsent(parts)
  const keys = createKeys(parts)
  const workspaceId = 'ws_1'
  const caller: Caller = { workspaceId, actor: 'key:key_1', correlationId: 'corr-1' }
  if (!empty) await workspaces.create(caller, { name: 'Acme' }, { id: workspaceId })

  return {
    clock,
    parts,
    opened,
    calls,
    before,
    events,
    cancelled,
    lines,
    workspaces,
    leads,
    consent,
    keys,
    audit,
    caller,
    workspaceId,
    /** The same leads, over a relay that never gets to it. */
    silentRelay: () => createLeads({ ...parts, relay: () => {} }),
    eventTypes: () => events.map((event) => event.type),
    answerChecks(next: Checkup) {
      answer = next
    },
    async close() {
      await Promise.all(relayed)
      await opened.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export type RecordsRig = Awaited<ReturnType<typeof createRecordsRig>>
