import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  builtInKinds,
  createMemoryQueue,
  createPostgresStores,
  createRuntime,
  createSealer,
  createSqliteStores,
  type EngineSettings,
  type Log,
  type Queue,
  type Runtime,
  SteadyClient,
  type Stores,
} from '@trunkline/core'
import type { Config } from './config.ts'
import { createHub } from './hub.ts'

export interface Hub {
  readonly app: ReturnType<typeof createHub>['app']['app']
  /** The admin key when this start made one: shown once, kept nowhere in clear. */
  readonly generatedKey: string | null
  /** Takes no more, finishes what runs within the deadline, closes everything. */
  stop(deadlineMs: number): Promise<void>
}

/** Opens what the configuration names and puts the hub on it; working already when the role says so. */
export async function buildHub(config: Config, log: Log): Promise<Hub> {
  const runtime = createRuntime(log)
  const stores = await openStores(config, log)
  try {
    // After the store, whose lock keeps a second process from making a key of its own.
    const sealer = createSealer(config.encryptionKeys ?? [embeddedKey(config.dataDir)])
    const queue = await openQueue(config, log, runtime)
    const { engine, app } = createHub({ stores, queue, runtime, sealer, transportKinds: builtInKinds, settings: settingsOf(config), http: config })
    const { generatedKey } = await engine.workspaces.bootstrap({ adminApiKey: config.adminApiKey, sandboxLine: config.mode === 'embedded' })
    if (config.role !== 'api') await engine.work()
    return {
      app: app.app,
      generatedKey,
      async stop(deadlineMs) {
        await engine.stop(deadlineMs)
        await stores.close()
      },
    }
  } catch (error) {
    await stores.close()
    throw error
  }
}

async function openStores(config: Config, log: Log): Promise<Stores> {
  if (config.databaseUrl !== null) return createPostgresStores({ url: config.databaseUrl, log })
  return createSqliteStores({ file: join(config.dataDir, 'trunkline.db'), log })
}

async function openQueue(config: Config, log: Log, runtime: Runtime): Promise<Queue> {
  if (config.queue === 'memory') return createMemoryQueue({ runtime, log })
  // Loaded only when used: the embedded hub must be up within a second.
  const { createPostgresQueue, createRedisQueue } = await import('@trunkline/core/bullmq')
  if (config.redisUrl !== null) return createRedisQueue({ url: config.redisUrl, log, runtime })
  return createPostgresQueue({ url: config.databaseUrl ?? '', log, runtime, client: SteadyClient })
}

function settingsOf(config: Config): EngineSettings {
  return {
    publicUrl: config.publicUrl,
    sendConcurrency: config.sendConcurrency,
    deliveryConcurrency: config.deliveryConcurrency,
    sweepEveryMs: config.sweepEveryMs,
    healthEveryMs: config.healthEveryMs,
    unknownOutcomeDeadlineMs: config.unknownOutcomeDeadlineMs,
    bridgeTimeoutMs: config.bridgeTimeoutMs,
    webhookTimeoutMs: 15_000,
    webhookRetryScheduleMs: config.webhookRetryScheduleMs,
    allowPrivateBridges: config.allowPrivateAddresses !== 'false',
    allowPrivateUrls: config.allowPrivateAddresses === 'true',
  }
}

/** The embedded hub keeps its key beside its store, readable by its user only. */
function embeddedKey(dataDir: string): Buffer {
  const file = join(dataDir, 'encryption.key')
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true })
    // Whole or not there: half a key would be refused at every start from then on.
    writeFileSync(`${file}.new`, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true })
    renameSync(`${file}.new`, file)
  }
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64')
  if (key.length !== 32) throw new Error(`${file} does not hold 32 bytes in base64; without the key that was there, stored secrets cannot be opened`)
  return key
}
