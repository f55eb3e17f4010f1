import { hasRedis, startRedis } from '@trunkline/core/testing/servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CrashWorld, createCrashWorld } from './rig/crash-world.ts'
import { createDice, seedOfRun } from './rig/dice.ts'
import { freePort } from './rig/free-port.ts'
import { client, eventually, type HubProcess, startHub, tempDir } from './rig/hub.ts'
import { type Load, startLoad } from './rig/load.ts'
import { settled, untold, violations } from './rig/verdict.ts'
import type { MessageView } from './rig/world.ts'

/** What container runtimes give a process between SIGTERM and SIGKILL. */
const graceMs = 10_000
const seed = seedOfRun()

async function env(): Promise<{ env: Record<string, string>; url: string; remove(): void }> {
  const [dir, port] = [tempDir(), await freePort()]
  return {
    url: `http://127.0.0.1:${port}`,
    remove: dir.remove,
    env: {
      ...{ DATA_DIR: dir.path, PORT: String(port), ALLOW_PRIVATE_ADDRESSES: 'true', UNKNOWN_OUTCOME_DEADLINE_MS: '20000' },
      ...{ SWEEP_EVERY_MS: '500', HEALTH_EVERY_MS: '1000', WEBHOOK_RETRY_SCHEDULE_MS: '300,600,1200,2400' },
    },
  }
}

describe(`SIGTERM under load, four times (CRASH_SEED=${seed} repeats this run)`, () => {
  const stops: { code: number | null; ms: number }[] = []
  const dice = createDice(seed)
  let at: Awaited<ReturnType<typeof env>>
  let hub: HubProcess
  let world: CrashWorld
  let load: Load

  beforeAll(async () => {
    at = await env()
    hub = await startHub(at.env)
    world = await createCrashWorld({ call: client(at.url), url: at.url, count: 160, limit: 5 })
    load = startLoad({ url: at.url, wishes: world.wishes, clients: 6, paceMs: 60 })
    for (let round = 1; round <= 4; round++) {
      const next = load.acked.length + 15 + Math.floor(dice() * 15)
      await eventually(
        async () => load.acked.length,
        (count) => count >= Math.min(next, world.wishes.length),
      )
      const from = performance.now()
      stops.push({ code: await hub.stop(), ms: performance.now() - from })
      hub = await startHub(at.env)
    }
    await load.done
  }, 120_000)

  afterAll(async () => {
    await hub.stop()
    await world.close()
    at.remove()
  })

  test('ends with code 0 within the time it is given', () => {
    expect(stops.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(Math.max(...stops.map(({ ms }) => ms))).toBeLessThan(graceMs)
  })

  test('answers every request it took, loses nothing and doubles nothing', { timeout: 60_000 }, async () => {
    const messages = await settled(client(at.url), 30_000)
    await eventually(
      async () => untold(messages.values(), world.receiver.received),
      (left) => left.length === 0,
      40_000,
    ).catch(() => undefined)
    const limits = new Map([[world.tight.id, world.limit]])
    const evidence = { load, wishes: world.wishes, messages, ledger: world.bridge.ledger, received: world.receiver.received, limits }
    expect(violations({ ...evidence, kills: [], handoverMs: 0, stops: new Map() })).toEqual([])
    expect(load.broken).toEqual([])
  })
})

describe('SIGTERM while the vendor does not answer', () => {
  test('ends in time all the same; the next process finds out what became of the message', { timeout: 60_000 }, async () => {
    const at = await env()
    let hub = await startHub(at.env)
    const call = client(at.url)
    const world = await createCrashWorld({ call, url: at.url, count: 0, limit: 0 })
    world.bridge.script({ hookUrls: [], rules: [{ send: 'stall_after_send' }] })
    const sending = world.bridge.nextSend()
    const { body } = await call<{ message: MessageView }>('POST', '/api/messages', {
      message: 'slow',
      recipientPhone: '+14155550100',
      fromLineId: world.open.id,
    })
    await sending
    const from = performance.now()
    expect(await hub.stop()).toBe(0)
    expect(performance.now() - from).toBeLessThan(graceMs)

    hub = await startHub(at.env)
    const after = await eventually(
      async () => (await call<{ message: MessageView }>('GET', `/api/messages/${body.message.id}`)).body.message,
      ({ status }) => status !== 'sending',
    )
    expect(['sent', 'delivered']).toContain(after.status)
    expect(world.bridge.ledger.map(({ text }) => text)).toEqual(['slow'])
    await hub.stop()
    await world.close()
    at.remove()
  })
})

describe('a start that is refused', () => {
  test('on a data directory that another process works on, saying whose and what to do', async () => {
    const at = await env()
    const hub = await startHub(at.env)
    const second = startHub({ ...at.env, PORT: '0' })
    await expect(second).rejects.toThrow(/ended with 1 .*in use by another Trunkline process.*DATA_DIR/s)
    expect((await client(at.url)('GET', '/healthz')).status).toBe(200)
    await hub.stop()
    at.remove()
  })

  test.skipIf(!hasRedis())('on a Redis that evicts or forgets, saying how to mend it (needs redis-server)', async () => {
    const at = await env()
    for (const [settings, said] of [
      [{ policy: 'allkeys-lru' }, /maxmemory-policy is "allkeys-lru".*CONFIG SET maxmemory-policy noeviction/s],
      [{ appendonly: false }, /appendonly is "no".*CONFIG SET appendonly yes/s],
    ] as const) {
      const redis = await startRedis(settings)
      await expect(startHub({ ...at.env, REDIS_URL: redis.url })).rejects.toThrow(said)
      await redis.stop()
    }
    at.remove()
  })
})
