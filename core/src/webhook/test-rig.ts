import { createDeliverer } from '../event/deliver.ts'
import { createRelay } from '../event/relay.ts'
import { createTestQueue, createTestRuntime, createTestStores } from '../event/test-rig.ts'
import { createRuntime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { createWebhookKind } from './consumer.ts'
import { createEndpoints } from './endpoints.ts'
import { createPoster } from './post.ts'
import { createReplays } from './replays.ts'
import { createSecrets, type Sealer } from './secrets.ts'
import { createSwitchOff } from './switch-off.ts'
import { createTally } from './tally.ts'

const sealer: Sealer = {
  seal: (workspaceId, field, plain) => `sealed(${workspaceId},${field})${Buffer.from(plain).toString('hex')}`,
  open(workspaceId, field, sealed) {
    const head = `sealed(${workspaceId},${field})`
    if (!sealed.startsWith(head)) throw new Error('sealed for something else')
    return Buffer.from(sealed.slice(head.length), 'hex').toString()
  },
}

/** Everything of webhooks put together as the engine does, on a clock that the test moves; sockets live by the machine's clock. */
export function createWebhookRig(options: { stores?: Stores; timeoutMs?: number; allowPrivate?: boolean; slowAfterMs?: number } = {}) {
  const world = createTestRuntime()
  const { runtime } = world
  const fake = createTestStores()
  const stores = options.stores ?? fake.stores
  const hints = createTestQueue()
  const allowPrivate = options.allowPrivate ?? true
  const poster = createPoster({ allowPrivate, runtime: createRuntime(runtime.log), timeoutMs: options.timeoutMs ?? 5_000 })
  const secrets = createSecrets({ sealer, runtime })
  const tally = createTally({ webhooks: stores.webhooks, runtime })
  const switchOff = createSwitchOff({ stores, runtime, relay: (webhook) => relay.relay('webhook', webhook) })
  const kinds = [createWebhookKind({ webhooks: stores.webhooks, runtime, poster, secrets, tally, switchOff })]
  const relay = createRelay({ stores, runtime, kinds, queue: hints.queue })
  const attempts: { outcome: string }[] = []
  const deliverer = createDeliverer({
    stores,
    runtime,
    kinds,
    log: runtime.log,
    queue: hints.queue,
    metrics: { attempted: (attempt) => void attempts.push(attempt) },
    ...(options.slowAfterMs === undefined ? {} : { slowAfterMs: options.slowAfterMs }),
  })
  const endpoints = createEndpoints({ stores, runtime, secrets, poster, allowPrivate })
  const replays = createReplays({ stores, runtime, queue: hints.queue })
  const signal = new AbortController().signal

  /** Runs every hint that is due, and what these bring about, until none is. */
  async function drain(): Promise<void> {
    for (let due = hints.take(runtime.now()); due.length > 0; due = hints.take(runtime.now())) {
      await Promise.all(due.map((hint) => deliverer.deliver(hint, signal)))
    }
  }

  const caller = { workspaceId: 'ws_1', actor: 'key:key_1', correlationId: null }
  const { rows, audit, writes } = fake
  const { queue, waiting, take, breakDown } = hints
  const { advance, lines } = world
  return {
    runtime,
    advance,
    lines,
    rows,
    audit,
    writes,
    queue,
    waiting,
    take,
    breakDown,
    stores,
    poster,
    tally,
    relay,
    deliverer,
    endpoints,
    replays,
    attempts,
    drain,
    signal,
    caller,
  }
}
