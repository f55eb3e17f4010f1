import { type Kysely, sql } from 'kysely'
import type { Log } from '../../runtime.ts'
import type { Stores } from '../stores.ts'
import { createAuditStore } from './audit.ts'
import { createAvailabilityStore } from './availability.ts'
import { createDeliveryStore } from './deliveries.ts'
import { postgres, sqlite } from './dialects.ts'
import { createDncStore } from './dnc.ts'
import { createIdempotencyStore } from './idempotency.ts'
import { createJobStore } from './jobs.ts'
import { createKeyStore } from './keys.ts'
import { createLeadStore } from './leads.ts'
import { createLineStore } from './lines.ts'
import { createMessageStore } from './messages.ts'
import { migrate } from './migrations.ts'
import { openPostgres } from './open-postgres.ts'
import { openSqlite } from './open-sqlite.ts'
import { createReplyStore } from './replies.ts'
import type { Database } from './schema.ts'
import type { Dialect, Sql } from './sql.ts'
import { createWebhookStore } from './webhooks.ts'
import { createWorkspaceStore } from './workspaces.ts'

const pingMs = 1_000

async function createStores(db: Kysely<Database>, dialect: Dialect, log: Log): Promise<Stores> {
  try {
    await migrate(db, dialect)
  } catch (error) {
    await db.destroy()
    throw error
  }
  const parts: Sql = { db, dialect, log, coalescers: [] }
  return {
    messages: createMessageStore(parts),
    lines: createLineStore(parts),
    leads: createLeadStore(parts),
    dnc: createDncStore(parts),
    availability: createAvailabilityStore(parts),
    replies: createReplyStore(parts),
    deliveries: createDeliveryStore(parts),
    webhooks: createWebhookStore(parts),
    workspaces: createWorkspaceStore(parts),
    keys: createKeyStore(parts),
    audit: createAuditStore(parts),
    jobs: createJobStore(parts),
    idempotency: createIdempotencyStore(parts),
    async ping() {
      await sql`select 1`.execute(db, { signal: AbortSignal.timeout(pingMs) })
    },
    async close() {
      await Promise.all(parts.coalescers.map((coalescer) => coalescer.idle()))
      // Behind whatever transaction still holds the connection.
      await db.connection().execute(() => Promise.resolve())
      await db.destroy()
    },
  }
}

/**
 * The embedded store: one file, one process. What is acknowledged is on disk (`synchronous = full`). Refuses with an error that names the
 * directory when another process has it open.
 */
export async function createSqliteStores({ file, log }: { file: string; log: Log }): Promise<Stores> {
  return createStores(openSqlite(file), sqlite, log)
}

/** The store on a PostgreSQL server (14 or later), for as many processes as wanted. `url`: `postgres://user:password@host/database`. */
export async function createPostgresStores({ url, log, connectionsMax = 12 }: { url: string; log: Log; connectionsMax?: number }): Promise<Stores> {
  return createStores(openPostgres({ url, log, connectionsMax }), postgres, log)
}
