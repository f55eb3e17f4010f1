import type { Runtime } from '../runtime.ts'
import { changeWebhook } from './change.ts'
import type { WebhookStore } from './store.ts'
import type { Webhook } from './webhook.ts'

/** How endpoints fare, written on their documents without a write per delivery. */
export interface Tally {
  /**
   * Notes one attempt. Returns since when the endpoint has been failing before it (null: it was not). Written at once when the endpoint
   * changes between working and failing, otherwise at most once a second per endpoint.
   */
  record(webhook: Webhook, attempt: { ok: boolean; at: Date }): Promise<Date | null>
  /** Writes what is not written yet. For a stop. */
  flush(): Promise<void>
}

/** What happened since the last write. `failures` counts from the last success on, as `failingSince` does. */
interface Notes {
  succeeded: boolean
  failures: number
  failingSince: Date | null
  lastSuccessAt: Date | null
  lastFailureAt: Date | null
}

interface Entry {
  readonly workspaceId: string
  readonly id: string
  notes: Notes | null
  writing: Notes | null
  /** Calls off the end of the second in which no further write is made. */
  cancel: (() => void) | null
}

const everyMs = 1_000

export function createTally({ webhooks, runtime }: { webhooks: Pick<WebhookStore, 'get' | 'commit'>; runtime: Pick<Runtime, 'after'> }): Tally {
  const entries = new Map<string, Entry>()

  async function write(entry: Entry): Promise<void> {
    const notes = entry.notes
    if (!notes || entry.writing) return
    entry.writing = notes
    entry.notes = null
    arm(entry)
    try {
      await changeWebhook(webhooks, entry.workspaceId, entry.id, (webhook) => noted(webhook, notes))
    } catch (error) {
      // Kept for the next second: that a counter could not be written is no reason to deliver anything again.
      entry.notes = merged(notes, entry.notes)
      throw error
    } finally {
      entry.writing = null
    }
  }

  function arm(entry: Entry) {
    entry.cancel?.()
    entry.cancel = runtime.after(everyMs, () => {
      entry.cancel = null
      if (entry.notes) void write(entry).catch(() => arm(entry))
      else entries.delete(`${entry.workspaceId}/${entry.id}`)
    })
  }

  return {
    async record(webhook, { ok, at }) {
      const key = `${webhook.workspaceId}/${webhook.id}`
      const entry: Entry = entries.get(key) ?? { workspaceId: webhook.workspaceId, id: webhook.id, notes: null, writing: null, cancel: null }
      entries.set(key, entry)
      const unwritten = merged(entry.writing, entry.notes)
      const failingSince = unwritten?.succeeded ? unwritten.failingSince : (webhook.failingSince ?? unwritten?.failingSince ?? null)
      entry.notes = merged(entry.notes, {
        succeeded: ok,
        failures: ok ? 0 : 1,
        failingSince: ok ? null : at,
        lastSuccessAt: ok ? at : null,
        lastFailureAt: ok ? null : at,
      })
      const hasChanged = (failingSince === null) !== ok
      if (hasChanged && !entry.writing) await write(entry).catch(() => {})
      else if (entry.cancel === null) void write(entry).catch(() => {})
      return failingSince
    },
    async flush() {
      for (const entry of entries.values()) {
        await write(entry)
        entry.cancel?.()
        entry.cancel = null
      }
      entries.clear()
    },
  }
}

function merged(older: Notes | null, newer: Notes | null): Notes | null {
  if (!older || !newer) return newer ?? older
  return {
    succeeded: older.succeeded || newer.succeeded,
    failures: newer.succeeded ? newer.failures : older.failures + newer.failures,
    failingSince: newer.succeeded ? newer.failingSince : (older.failingSince ?? newer.failingSince),
    lastSuccessAt: newer.lastSuccessAt ?? older.lastSuccessAt,
    lastFailureAt: newer.lastFailureAt ?? older.lastFailureAt,
  }
}

const later = (a: Date | null, b: Date | null): Date | null => (a && b ? (a > b ? a : b) : (a ?? b))

function noted(webhook: Webhook, notes: Notes): Webhook {
  return {
    ...webhook,
    failureCount: notes.succeeded ? notes.failures : webhook.failureCount + notes.failures,
    failingSince: notes.succeeded ? notes.failingSince : (webhook.failingSince ?? notes.failingSince),
    lastSuccessAt: later(webhook.lastSuccessAt, notes.lastSuccessAt),
    lastFailureAt: later(webhook.lastFailureAt, notes.lastFailureAt),
  }
}
