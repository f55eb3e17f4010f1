import {
  type Engine as CoreEngine,
  createEngine,
  type EngineSettings,
  type Queue,
  type Runtime,
  type Sealer,
  type Stores,
  type TransportKind,
} from '@trunkline/core'
import { createApp } from './app.ts'
import type { Engine } from './engine.ts'
import type { HttpConfig } from './http-config.ts'
import { createMetrics } from './metrics.ts'

export interface HubParts {
  stores: Stores
  queue: Queue
  runtime: Runtime
  sealer: Sealer
  transportKinds: readonly TransportKind[]
  settings: EngineSettings
  http: HttpConfig
}

/** The engine and its HTTP face over parts that are open already: what main.ts runs, and what tests run in one process. */
export function createHub({ stores, queue, runtime, sealer, transportKinds, settings, http }: HubParts) {
  const { registry, metrics, watch } = createMetrics()
  const engine = createEngine({ stores, queue, runtime, metrics, sealer, transportKinds, settings })
  watch(engine.backlog, runtime.now)
  const app = createApp({ engine: faceOf(engine, { stores, queue, sealer, registry }), config: http, log: runtime.log, runtime })
  return { engine, app }
}

function faceOf(
  engine: CoreEngine,
  { stores, queue, sealer, registry }: Pick<HubParts, 'stores' | 'queue' | 'sealer'> & { registry: Engine['metrics'] },
): Engine {
  return {
    ...engine,
    idempotency: stores.idempotency,
    sealer,
    metrics: registry,
    async ready() {
      const [store, waiting] = await Promise.all([said(stores.ping()), said(queue.depth())])
      // Accepting needs the store only: with the queue away messages are taken in and sent when it is back.
      return { ready: store === 'ok', checks: { store, queue: waiting } }
    },
  }
}

const patienceMs = 1_500

async function said(question: Promise<unknown>): Promise<string> {
  const late = AbortSignal.timeout(patienceMs)
  const gaveUp = new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true }))
  return Promise.race([question, gaveUp]).then(
    () => 'ok',
    (error: unknown) => (error instanceof Error && error.message === 'no answer in time' ? error.message : 'away'),
  )
}
