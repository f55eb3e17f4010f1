import { expect } from 'vitest'
import { type FakeBlueBubbles, type LedgerEntry, type Rule, type Script, startFakeBlueBubbles } from '../fakes/bluebubbles.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { type Tenant, toldOf, type World } from './world.ts'

export const noGaps = { deviceGapSeconds: 0, contactGapSeconds: 0, availabilityGapSeconds: 0, dailyAvailabilityChecksLimit: 1_000 }

export interface Scene extends Tenant {
  readonly lineId: string
  /** For further lines on the same bridge. */
  readonly transport: Record<string, unknown>
  readonly receiver: Receiver
  /** What the bridge really sent, before and after it was down. */
  ledger(): LedgerEntry[]
  /** Which addresses the bridge was asked about, and when. */
  checks(): { address: string; at: number }[]
  /** Changes what the bridge does; its webhooks keep coming. */
  script(script: Script): void
  /** What the receiver was told about a message, without `message.`, by `seq`. */
  told(id: string): string[]
  /** What the bridge posts to the line, as it posts it. */
  post(type: string, data: Record<string, unknown>): Promise<void>
  /** Somebody writes to the Mac. */
  inbound(from: string, text: string): Promise<void>
  down(): Promise<void>
  up(): Promise<void>
  /** Refuses when the bridge was ever asked for something it does not know. */
  close(): Promise<void>
}

/** A workspace of its own with one line on a bridge of its own, and a receiver that is told everything. */
export async function startScene(
  world: World,
  {
    rules = [],
    line: wanted = noGaps,
    method = 'private-api',
  }: { rules?: readonly Rule[]; line?: Record<string, unknown>; method?: 'private-api' | 'apple-script' } = {},
): Promise<Scene> {
  const [tenant, receiver, first] = await Promise.all([world.tenant('scene'), startReceiver(), startFakeBlueBubbles()])
  let fake: FakeBlueBubbles = first
  const fakes = [first]
  const transport = { type: 'bluebubbles', url: fake.url, password: fake.password, method }
  const line = await tenant.addLine({ name: 'mac', channel: 'imessage', phone: '+14155550000', transport, ...wanted })
  const hook = `${world.hub.url}${new URL(line.hookUrl).pathname}`
  let script: Script = { rules: [...rules], hookUrls: [hook] }
  fake.script(script)
  await tenant.addWebhook(receiver)
  return {
    ...tenant,
    lineId: line.id,
    transport,
    receiver,
    ledger: () => fakes.flatMap((one) => one.ledger),
    checks: () => fakes.flatMap((one) => one.checks),
    script(next) {
      script = { ...script, ...next }
      fake.script(next)
    },
    told: (id) => toldOf(receiver, id).map((type) => type.replace('message.', '')),
    async post(type, data) {
      const answer = await fetch(hook, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ type, data }) })
      expect(answer.status).toBe(200)
    },
    inbound: (from, text) => fake.inbound({ from, text }),
    down: () => fake.close(),
    async up() {
      fake = await startFakeBlueBubbles({ port: first.port, script })
      fakes.push(fake)
    },
    async close() {
      await receiver.close()
      await fake.close().catch(() => {})
      expect(fakes.flatMap((one) => one.violations)).toEqual([])
    },
  }
}
