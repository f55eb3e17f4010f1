/**
 * What the store carries: `node core/src/testing/store-bench.ts [seconds]`. Inserts and commits of messages per second, on SQLite (FULL)
 * and, where it can be started, on a PostgreSQL server with fsync.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Message } from '../message/message.ts'
import { createRuntime, type Log } from '../runtime.ts'
import { createPostgresStores, createSqliteStores } from '../store/sql/index.ts'
import type { Stores } from '../store/stores.ts'
import { messageFixture } from './message-fixture.ts'
import { findPostgres, startPostgres } from './servers/postgres.ts'

const quiet = () => undefined
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const runtime = createRuntime(log)
const seconds = Number(process.argv[2] ?? 3)

function make(): Message {
  const at = runtime.now()
  const id = runtime.id('msg')
  const phone = `+1${Math.floor(2e9 + runtime.random() * 7e9)}`
  const outbox = [{ id: runtime.id('evt'), type: 'message.queued' as const, seq: 1, at, data: {} }]
  const over = { recipientPhone: phone, addresses: [phone], leadId: runtime.id('lead'), dueAt: at, createdAt: at, updatedAt: at }
  return messageFixture({ ...over, id, version: 0, seq: 1, outbox, message: 'Hello there, this is a message of an ordinary length. '.repeat(3) })
}

async function rate(inFlight: number, run: () => Promise<boolean>): Promise<number> {
  const until = performance.now() + seconds * 1_000
  const from = performance.now()
  let done = 0
  const worker = async () => {
    while (performance.now() < until) {
      if (!(await run())) throw new Error('a write was refused')
      done++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return Math.round((done / (performance.now() - from)) * 1_000)
}

async function measure(name: string, { messages }: Stores): Promise<void> {
  for (const inFlight of [64, 256]) {
    const stored: Message[] = []
    const inserts = await rate(inFlight, async () => {
      const message = make()
      stored.push(message)
      return messages.insert(message)
    })
    let at = 0
    const commits = await rate(inFlight, async () => {
      const index = at++ % stored.length
      const message = stored[index] as Message
      stored[index] = { ...message, version: message.version + 1 }
      const sending = message.status === 'queued'
      return messages.commit({
        ...message,
        status: sending ? 'sending' : 'queued',
        address: message.recipientPhone,
        fromLineId: 'line_1',
        outbox: [],
      })
    })
    const reads = await rate(inFlight, async () => (await messages.get('ws_1', (stored[at++ % stored.length] as Message).id)) !== null)
    process.stdout.write(`${name}, ${inFlight} in flight: ${inserts} inserts/s, ${commits} commits/s, ${reads} reads/s (${stored.length} messages)\n`)
  }
}

const directory = mkdtempSync(join(tmpdir(), 'trunkline-bench-'))
const sqliteStores = await createSqliteStores({ file: join(directory, 'hub.db'), log })
await measure('SQLite', sqliteStores)
await sqliteStores.close()
rmSync(directory, { recursive: true })

const bin = findPostgres()
if (bin !== null) {
  const server = await startPostgres({ bin })
  const stores = await createPostgresStores({ url: await server.database('bench'), log })
  await measure('PostgreSQL', stores)
  await stores.close()
  await server.stop()
}
